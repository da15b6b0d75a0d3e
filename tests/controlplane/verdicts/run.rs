//! One bed from its start to the comparison.
//!
//! ```text
//! set up → nodes ready → prepare → quiet → stop Karpenter → open budgets → ask batchtop
//!        → start Karpenter → watch until it rests → what scenarios do then → watch again → compare
//! ```
//!
//! Budgets are 0 and Karpenter is stopped until batchtop was asked, so that the first
//! answer is about a cluster in which nothing has been decided yet.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::compare::Report;
use super::place::{PATIENCE, Place};
use super::scenario::{Fate, Later, Scenario};
use super::score::Score;
use super::watch::{Watch, events_since};
use super::world::{World, holds, name, text};
use crate::bed::{Bed, BedOptions, Component, Context, FEATURE_GATES, Failure, Karpenter, Result, annotation};
use crate::product::program::Program;

/// How long Karpenter may take for everything that a bed expects of it.
const WINDOW: Duration = Duration::from_mins(5);

/// How long a world is followed at most.
const FOLLOWED: Duration = Duration::from_mins(3);

/// How long at least: what is to come in a minute has come.
const FOLLOWED_AT_LEAST: SignedDuration = SignedDuration::from_secs(65);

/// How a bed is played.
#[derive(Clone, Copy)]
pub struct Setup {
    /// The Karpenter that decides.
    pub karpenter: Karpenter,
    /// Its feature gates, where they are not the usual ones. batchtop then learns them.
    pub gates: Option<&'static str>,
    /// For how long nodes have to stay that stay.
    pub stays_for: SignedDuration,
    /// How long Karpenter may take at most for what comes first. That is how long it takes where no pass ends, by which it would be
    /// seen to be at rest.
    pub window: Duration,
}

impl Setup {
    /// The usual: until Karpenter has looked at everything.
    pub const fn of(karpenter: Karpenter) -> Self {
        Self { karpenter, gates: None, stays_for: SignedDuration::ZERO, window: WINDOW }
    }

    fn start(self) -> Result<Bed> {
        let options = BedOptions::full().karpenter(self.karpenter);
        let options = match self.gates {
            Some(gates) => options.variable(Component::Karpenter, FEATURE_GATES, gates),
            None => options,
        };
        let bed = Bed::start(&options)?;
        // What the newest definitions have tells the newest version, without a Deployment.
        if self.karpenter != Karpenter::V1_14 || self.gates.is_some() {
            bed.announce_karpenter()?;
        }
        Ok(bed)
    }
}

/// Plays all scenarios in one bed; a failure tells every disagreement.
pub fn play(title: &str, setup: Setup, scenarios: &[Scenario]) -> Result<()> {
    let mut clock = Clock::new(title, scenarios.len());
    let bed = setup.start()?;
    clock.lap("bed");
    set_up(&bed, scenarios)?;
    let places = await_nodes(&bed, scenarios)?;
    clock.lap("nodes");
    for (scenario, place) in scenarios.iter().zip(&places) {
        run_steps(scenario, place, &scenario.preparations)?;
    }
    await_quiet(&bed, scenarios, &places)?;
    clock.lap("quiet");
    let report = decide(&bed, setup, scenarios, &places, &mut clock)?;
    clock.tell();
    report.into_result()
}

/// Plays a world in which scenarios say nothing of what has to happen, until Karpenter rests, and takes it away.
pub fn follow(bed: &Bed, title: &str, scenarios: &[Scenario]) -> Result<Score> {
    let mut clock = Clock::new(title, scenarios.len());
    set_up(bed, scenarios)?;
    let places = await_nodes(bed, scenarios)?;
    clock.lap("nodes");
    for (scenario, place) in scenarios.iter().zip(&places) {
        run_steps(scenario, place, &scenario.preparations)?;
    }
    await_quiet(bed, scenarios, &places)?;
    clock.lap("quiet");
    let program = stop_and_open(bed, scenarios, &places)?;
    let mut watch = Watch::begin(bed, &program)?;
    bed.start_karpenter()?;
    watch.until(FOLLOWED, |watch| watch.at_rest() && watch.has_asked_for(FOLLOWED_AT_LEAST))?;
    clock.lap("followed");
    let score = Score::of(&watch);
    take_away(bed, scenarios)?;
    clock.lap("gone");
    clock.tell();
    Ok(score)
}

/// Removes everything of these scenarios, and waits until their nodes are gone.
fn take_away(bed: &Bed, scenarios: &[Scenario]) -> Result<()> {
    for scenario in scenarios {
        let name = scenario.name;
        bed.api().delete(&format!("/apis/karpenter.sh/v1/nodepools/{name}?propagationPolicy=Background"))?;
        bed.api().delete(&format!("/apis/policy/v1/namespaces/{name}/poddisruptionbudgets"))?;
        bed.api().delete(&format!("/api/v1/namespaces/{name}/pods?gracePeriodSeconds=0"))?;
        bed.api().delete(&format!("/api/v1/namespaces/{name}"))?;
    }
    await_world(bed, "the end of all nodes", |world| if world.is_empty() { Vec::new() } else { vec!["nodes"] })
        .map(drop)
}

fn run_steps(scenario: &Scenario, place: &Place<'_>, steps: &[super::scenario::Step]) -> Result<()> {
    steps.iter().try_for_each(|step| step(place)).context(scenario.name)
}

/// Everything that scenarios consist of; the machinery does the rest.
fn set_up(bed: &Bed, scenarios: &[Scenario]) -> Result<()> {
    for scenario in scenarios {
        let name = scenario.name;
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        bed.api().create("/api/v1/namespaces", &namespace)?;
        bed.api().create("/apis/karpenter.sh/v1/nodepools", &scenario.pool.build())?;
        for (path, object) in &scenario.objects {
            bed.api().create(path, object).context(name)?;
        }
        for (pod, spec) in &scenario.pods {
            bed.api().create(&format!("/api/v1/namespaces/{name}/pods"), &spec.build(name, pod)).context(name)?;
        }
    }
    Ok(())
}

/// Waits for nodes and pods, and finds each scenario's subject.
fn await_nodes<'a>(bed: &'a Bed, scenarios: &[Scenario]) -> Result<Vec<Place<'a>>> {
    let world = await_world(bed, "all nodes", |world| {
        scenarios.iter().filter(|scenario| !is_up(world, scenario)).map(|scenario| scenario.name).collect()
    })?;
    scenarios.iter().map(|scenario| subject(bed, &world, scenario)).collect()
}

fn is_up(world: &World, scenario: &Scenario) -> bool {
    let claims: Vec<&Value> = world.claims_of(scenario.name).collect();
    let awaited = if scenario.initializes { "Initialized" } else { "Registered" };
    let pods = scenario.pods.iter().map(|(pod, _)| world.pod(scenario.name, pod));
    claims.len() == scenario.nodes
        && claims.iter().all(|claim| holds(claim, awaited))
        && pods.flatten().filter(|pod| is_placed(pod)).count() == scenario.pods.len()
}

/// Bound, and running unless an annotation keeps it from that.
fn is_placed(pod: &Value) -> bool {
    let waits =
        [annotation::HOLD, annotation::SANDBOX].iter().any(|key| !pod["metadata"]["annotations"][*key].is_null());
    !pod["spec"]["nodeName"].is_null() && (waits || pod["status"]["phase"] == "Running")
}

/// The node of the first pod, the only node, or the Node of nobody that the scenario makes.
fn subject<'a>(bed: &'a Bed, world: &World, scenario: &Scenario) -> Result<Place<'a>> {
    if scenario.nodes == 0 {
        return Ok(Place { bed, name: scenario.name, node: scenario.name.to_owned(), claim: String::new() });
    }
    let pod = scenario.pods.first().and_then(|(pod, _)| world.pod(scenario.name, pod));
    let node = pod.map(|pod| text(&pod["spec"]["nodeName"]));
    let mut claims = world.claims_of(scenario.name);
    let claim = claims.find(|claim| node.is_none_or(|node| claim["status"]["nodeName"] == node));
    let claim = claim.context(format!("{} has no node", scenario.name))?;
    let node = text(&claim["status"]["nodeName"]).to_owned();
    Ok(Place { bed, name: scenario.name, node, claim: name(claim).to_owned() })
}

/// Waits until Karpenter and the disruption controller have noticed what was prepared.
fn await_quiet(bed: &Bed, scenarios: &[Scenario], places: &[Place<'_>]) -> Result<()> {
    await_world(bed, "quiet", |world| {
        let noisy = |(scenario, place): &(&Scenario, &Place<'_>)| !is_quiet(world, scenario, place);
        scenarios.iter().zip(places).filter(noisy).map(|(scenario, _)| scenario.name).collect()
    })
    .map(drop)
}

fn is_quiet(world: &World, scenario: &Scenario, place: &Place<'_>) -> bool {
    let claim = world.claim(&place.claim);
    let conditions = || scenario.conditions.iter().all(|kind| claim.is_some_and(|claim| holds(claim, kind)));
    let allowances = || {
        scenario.allowances.iter().all(|(pdb, allowed)| {
            world.pdb(scenario.name, pdb).is_some_and(|pdb| {
                pdb["status"]["disruptionsAllowed"] == *allowed && !pdb["status"]["observedGeneration"].is_null()
            })
        })
    };
    conditions() && allowances()
}

/// Looks until nothing is missing; a failure names what still is.
fn await_world(bed: &Bed, what: &str, missing: impl Fn(&World) -> Vec<&'static str>) -> Result<World> {
    let mut last = Vec::new();
    let outcome = bed.wait_for(what, PATIENCE, || {
        let world = World::look(bed)?;
        last = missing(&world);
        Ok(last.is_empty().then_some(world))
    });
    outcome.map_err(|failure| Failure::new(format!("not ready: {}\n{failure}", last.join(", "))))
}

/// Stops Karpenter and gives NodePools their budgets.
fn stop_and_open(bed: &Bed, scenarios: &[Scenario], places: &[Place<'_>]) -> Result<Program> {
    bed.stop_karpenter()?;
    for (scenario, place) in scenarios.iter().zip(places) {
        if bed.api().find(&place.pool())?.is_some() {
            place.set_budgets(&scenario.budgets)?;
        }
        run_steps(scenario, place, &scenario.still)?;
    }
    Program::new(bed.admin_kubeconfig())
}

fn decide(bed: &Bed, setup: Setup, scenarios: &[Scenario], places: &[Place<'_>], clock: &mut Clock) -> Result<Report> {
    let program = stop_and_open(bed, scenarios, places)?;
    let mut watch = Watch::begin(bed, &program)?;
    let mut report = Report::new();
    let cast = || scenarios.iter().zip(places);
    cast().for_each(|(scenario, place)| report.answer(&watch, scenario, place, &scenario.answer));
    clock.lap("asked");

    let start = Timestamp::now();
    bed.start_karpenter()?;
    for (scenario, place) in cast() {
        run_steps(scenario, place, &scenario.soon)?;
    }
    watch.until(setup.window, |watch| {
        let all_have_come = cast().all(|(scenario, place)| has_come_first(watch, scenario, place));
        watch.at_rest() && watch.has_asked_for(setup.stays_for) && all_have_come
    })?;
    let events = events_since(bed, start)?;
    cast().for_each(|(scenario, place)| report.first_fate(&watch, &events, scenario, place));
    clock.lap("decided");

    if turn(scenarios, places, &mut watch, &mut report)? {
        watch.until(WINDOW, |watch| {
            watch.at_rest() && cast().all(|(scenario, place)| has_come_last(watch, scenario, place))
        })?;
        let events = events_since(bed, start)?;
        cast().for_each(|(scenario, place)| report.last_fate(&watch, &events, scenario, place));
        clock.lap("turned");
    }
    watch.ask()?;
    cast().for_each(|(scenario, place)| report.lasting_protections(&watch, scenario, place));
    report.no_false_held(&watch);
    report.none_before_it_was_said(&watch);
    report.no_second_taking(&watch);
    report.kept_times(&watch);
    clock.note(&Score::of(&watch));
    let events = events_since(bed, start)?;
    report.no_false_proof(&watch, &events, setup.karpenter);
    report.no_unexplained_may(&watch, &events);
    report.no_unexplained_event(&watch, &events);
    Ok(report)
}

/// Does what scenarios do midway, and asks batchtop again. Whether there was anything.
fn turn(scenarios: &[Scenario], places: &[Place<'_>], watch: &mut Watch<'_>, report: &mut Report) -> Result<bool> {
    let mut any = false;
    for (scenario, place) in scenarios.iter().zip(places) {
        if let Later::After(step, ..) = &scenario.later {
            step(place).context(scenario.name)?;
            any = true;
        }
    }
    if !any {
        return Ok(false);
    }
    watch.disturb();
    watch.ask()?;
    for (scenario, place) in scenarios.iter().zip(places) {
        if let Later::After(_, Some(answer), _) = &scenario.later {
            report.answer(watch, scenario, place, answer);
        }
    }
    Ok(true)
}

/// Whether what must happen before the turn has happened.
fn has_come_first(watch: &Watch<'_>, scenario: &Scenario, place: &Place<'_>) -> bool {
    let fate = match &scenario.later {
        Later::Elapses(fate) => fate,
        _ => &scenario.fate,
    };
    has_come(watch, fate, place)
}

fn has_come_last(watch: &Watch<'_>, scenario: &Scenario, place: &Place<'_>) -> bool {
    match &scenario.later {
        Later::After(_, _, fate) => has_come(watch, fate, place),
        _ => true,
    }
}

fn has_come(watch: &Watch<'_>, fate: &Fate, place: &Place<'_>) -> bool {
    !matches!(fate, Fate::Taken(_) | Fate::Ended) || watch.taking(&place.node).is_some()
}

/// Where the time of a bed went, told in one line.
struct Clock {
    line: String,
    begin: Instant,
}

impl Clock {
    fn new(title: &str, scenarios: usize) -> Self {
        Self { line: format!("{title}: {scenarios} scenarios;"), begin: Instant::now() }
    }

    fn lap(&mut self, name: &str) {
        let _ = write!(self.line, " {name} {} s", self.begin.elapsed().as_secs());
    }

    fn note(&mut self, score: &Score) {
        let _ = write!(self.line, "; {score}");
    }

    fn tell(&self) {
        let _ = writeln!(std::io::stderr(), "{}", self.line);
    }
}
