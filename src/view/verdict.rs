//! The words for a Node's disruption on screen: one glyph, a few words, an end, a sentence.

use super::context::FrameContext;
use super::{Line, format, words};
use crate::config::Role;
use crate::fleet::{Condition, Key, Kind, NodeClaimRow, NodeRow, ObjectKey};
use crate::insight::disruption::hazards::HazardKind;
use crate::insight::disruption::{
    Blocker, BlockerKind, Broken, Disruption, Doubt, DriftPlace, Facts, Hazard, NodeInputs, NotBefore, Reason,
    Standing, Verdict, standing, words as said_words, words::label,
};
use crate::units::duration;

/// The verdict and hazards of one Node, to be put into words.
pub(super) struct NodeDisruptionText<'a> {
    pub(super) frame: &'a FrameContext<'a>,
    pub(super) node: &'a NodeRow,
    pub(super) claim: Option<&'a NodeClaimRow>,
    pub(super) disruption: Disruption,
    pub(super) hazards: Vec<Hazard>,
    pub(super) standing: Standing,
}

/// Why a reason does not apply.
fn no_fact(reason: Reason, case: &NodeInputs<'_>) -> String {
    match reason {
        Reason::Empty => format!("no, {} would have to move", format::plural(case.pods.reschedulable, "pod")),
        Reason::Drifted => "no".to_owned(),
        Reason::Underutilized => "no, it is empty".to_owned(),
    }
}

/// What kind of thing stops Karpenter, in as few words as possible.
const fn kind_words(blocker: &Blocker) -> &'static str {
    match blocker.kind {
        BlockerKind::PodAnnotation => "pod annotation",
        BlockerKind::NodeAnnotation => "node annotation",
        BlockerKind::Pdb => "PodDisruptionBudget",
        BlockerKind::MultiplePdbs => "several PodDisruptionBudgets",
        BlockerKind::Budget => "budget",
        BlockerKind::Policy => "consolidation policy",
        BlockerKind::ConsolidateAfter => "consolidateAfter",
        BlockerKind::ConsolidationDisabled => "consolidation disabled",
        BlockerKind::NotInitialized => "not initialized",
        BlockerKind::NotManaged => "not managed",
        BlockerKind::Deleting => "on its way out",
        BlockerKind::NodePoolMissing if blocker.object.is_none() => "no NodePool ready",
        BlockerKind::NodePoolMissing => "no NodePool",
        BlockerKind::MissingLabels => "label missing",
        BlockerKind::Static => "static NodePool",
        BlockerKind::LoopPaused => "loop paused",
        BlockerKind::InputMissing => "not all known",
        BlockerKind::Nominated => "nominated",
        BlockerKind::Balance => "balance",
        BlockerKind::Simulation => "simulation",
    }
}

/// From this width of the terminal on a sentence has room for the whole story.
const WIDE_FROM: u16 = 140;

/// What one hazard does, and to whom.
pub(super) struct End<'a> {
    frame: &'a FrameContext<'a>,
    claim: Option<&'a NodeClaimRow>,
    hazard: &'a Hazard,
}

impl<'a> NodeDisruptionText<'a> {
    /// Asks about a Node.
    pub(super) fn of(frame: &'a FrameContext<'a>, node: &'a NodeRow) -> Self {
        let (disruption, hazards) = frame.evaluator().with_hazards(node);
        let standing = Standing::of(&disruption, &hazards);
        Self { frame, node, claim: frame.app.fleet.claim_of(node), disruption, hazards, standing }
    }

    /// What ends it before what holds it does.
    pub(super) fn broken(&self) -> Option<Broken<'_>> {
        standing::broken_by(&self.disruption, &self.hazards)
    }

    /// The glyph in front of its name.
    pub(super) fn glyph(&self) -> Line {
        let (glyph, role) = self.look();
        Line::of(role, glyph)
    }

    fn role(&self) -> Role {
        self.look().1
    }

    /// What breaks a protection in a month is worth a glyph, not yet an alarm.
    fn look(&self) -> (&'static str, Role) {
        match self.standing {
            Standing::WillNotHold => {
                words::will_not_hold(self.frame.app.now, self.broken().and_then(|broken| broken.at))
            }
            standing => {
                let state = words::standing(standing);
                (state.glyph, state.role)
            }
        }
    }

    /// The headline in a few words.
    pub(super) fn short(&self) -> Line {
        Line::of(self.role(), self.short_words())
    }

    fn short_words(&self) -> String {
        if self.standing == Standing::Interrupted {
            return label(Verdict::SpotInterrupted).to_owned();
        }
        let label = label(self.disruption.verdict);
        let object = self.disruption.main_blocker().and_then(|blocker| blocker.object.as_ref());
        let name = object.map_or("", |key| key.object.name.as_str());
        match self.disruption.verdict {
            Verdict::Unknown => format!("{label}: {}", self.missing()),
            Verdict::NotInitialized => format!("{label}{}", self.waits_for()),
            Verdict::BeingDisrupted => {
                self.chosen_for().map_or_else(|| label.to_owned(), |why| format!("{label}: {why}"))
            }
            Verdict::ProtectedByNode => format!("{}: {label}", self.protection()),
            Verdict::ProtectedByPod => format!("{}: {label} {name}{}", self.protection(), self.more()),
            Verdict::BlockedByPdb => format!("{}: {}", self.protection(), self.pdb(label)),
            Verdict::BlockedByBudget if self.claim.is_some_and(NodeClaimRow::is_drifted) => {
                format!("drifted: {}", self.budget(label))
            }
            Verdict::BlockedByBudget => self.budget(label),
            Verdict::ConsolidateAfterPending => self.quiet(label),
            Verdict::BlockedByPolicy => format!("{label} {}", self.policy()),
            // Of no object: there is no NodePool at all for the pods.
            Verdict::NodePoolMissing if object.is_none() => format!("{label} ready"),
            Verdict::NodePoolMissing => format!("{label} {}", self.node.node_pool().map_or("", |pool| pool.as_str())),
            // Drift may pass over pods, so it is certain before they are known; nothing is called a candidate then.
            verdict if verdict.is_candidate() && !self.pods_known() => "drifted: pods do not stop it".to_owned(),
            Verdict::LoopPaused => format!("{label}: {} {name}", short_kind(object)),
            _ => label.to_owned(),
        }
    }

    /// The headline without what the glyph has said, for a column without room: whether it is held, starting, a candidate.
    pub(super) fn shortest(&self) -> Line {
        Line::of(self.role(), self.shortest_words())
    }

    fn shortest_words(&self) -> String {
        let label = label(self.disruption.verdict);
        let object = self.disruption.main_blocker().and_then(|blocker| blocker.object.as_ref());
        match self.disruption.verdict {
            _ if self.standing == Standing::Interrupted => self.short_words(),
            Verdict::Unknown => self.missing().split(',').next().unwrap_or_default().to_owned(),
            Verdict::NotInitialized => match self.waits_for().strip_prefix(": ") {
                Some(what) => what.to_owned(),
                None => label.to_owned(),
            },
            Verdict::BeingDisrupted => self.chosen_for().unwrap_or(label).to_owned(),
            Verdict::ProtectedByPod => self.holder(object.map_or("", |key| key.object.name.as_str())),
            Verdict::BlockedByPdb => self.pdb(label),
            Verdict::BlockedByBudget => self.shortest_budget(label),
            Verdict::ConsolidateAfterPending => match self.disruption.until() {
                Some(at) if at > self.frame.app.now => {
                    format!("{label} at {}", format::day_or_clock(self.frame.app.now, at))
                }
                _ => self.short_words(),
            },
            verdict if verdict.is_candidate() && self.pods_known() => {
                label.strip_prefix("candidate: ").unwrap_or(label).to_owned()
            }
            verdict if verdict.is_candidate() => "drifted".to_owned(),
            Verdict::BlockedByPolicy => format!("{label} {}", self.policy()),
            _ => label.to_owned(),
        }
    }

    fn shortest_budget(&self, label: &str) -> String {
        let is_used_up = self.budget_counts().is_some_and(|(allowed, ..)| allowed <= 0);
        let budget = if is_used_up { format!("{label} 0") } else { label.to_owned() };
        if self.claim.is_some_and(NodeClaimRow::is_drifted) { format!("drifted: {budget}") } else { budget }
    }

    /// The pod that protects it; of several their number first, which is never cut.
    fn holder(&self, name: &str) -> String {
        match self.alike() {
            0 | 1 => name.to_owned(),
            several => format!("{}: {name}", format::plural(several, "pod")),
        }
    }

    /// Whether protection alone stops Karpenter, in the glossary's word.
    fn protection(&self) -> &'static str {
        if self.disruption.is_held() { "held" } else { "protected" }
    }

    fn pods_known(&self) -> bool {
        self.frame.all(Kind::Pod) && self.frame.all(Kind::PodDisruptionBudget)
    }

    /// ` +2` where several things of the kind stop it.
    fn more(&self) -> String {
        match self.alike() {
            0 | 1 => String::new(),
            several => format!(" +{}", format::count(several - 1)),
        }
    }

    /// How many blockers there are of the kind that the headline speaks of.
    pub(super) fn alike(&self) -> usize {
        let kind = self.disruption.main_blocker().map(|blocker| blocker.kind);
        self.disruption.blockers.iter().filter(|blocker| Some(blocker.kind) == kind).count()
    }

    fn pdb(&self, label: &str) -> String {
        let Some(blocker) = self.disruption.main_blocker() else { return label.to_owned() };
        let name = blocker.object.as_ref().map_or("", |key| key.object.name.as_str());
        match blocker.kind {
            BlockerKind::MultiplePdbs => format!("several pdbs on {name}{}", self.more()),
            _ => format!("{label} {name}{}", self.more()),
        }
    }

    /// The reason that is stopped last: by the budget alone.
    fn budget_reason(&self) -> Option<Reason> {
        self.disruption.main_blocker()?.reasons.iter().next()
    }

    fn budget(&self, label: &str) -> String {
        let until = self.disruption.until().map_or_else(String::new, |at| format!(" until {}", self.clock(at)));
        match self.budget_counts() {
            Some((allowed, counted, _)) if allowed <= 0 => format!("{label} 0 of {counted}{until}"),
            Some((allowed, counted, _)) => format!("{label} {allowed} of {counted} in use{until}"),
            None => label.to_owned(),
        }
    }

    /// How many nodes the budgets allow for the reason, of how many, and how many are used up.
    fn budget_counts(&self) -> Option<(i64, u64, u64)> {
        let budgets = self.frame.evaluator().budgets(self.node.node_pool()?)?;
        Some((budgets.allowed(self.budget_reason()?, self.frame.app.now), budgets.counted, budgets.disrupting))
    }

    fn quiet(&self, label: &str) -> String {
        match self.disruption.until() {
            Some(at) if at > self.frame.app.now => format!("{label} at {}", self.clock(at)),
            Some(_) => format!("{label} any moment"),
            None => format!("not {label} yet"),
        }
    }

    fn policy(&self) -> &str {
        let pool =
            self.node.node_pool().and_then(|name| self.frame.app.fleet.node_pools.get(&ObjectKey::cluster(name)));
        pool.map_or("", |pool| pool.consolidation_policy.as_str())
    }

    /// Why something is not decided: of the gates in their order the first for which objects are missing, else the first.
    pub(super) fn doubt(&self) -> Option<Doubt> {
        let results = self.frame.evaluator().explain(self.node);
        let doubts = || results.iter().flat_map(|(_, result)| &result.undecided).map(|one| one.doubt);
        doubts().find(|doubt| matches!(doubt, Doubt::Objects(_))).or_else(|| doubts().next())
    }

    /// Why nothing can be said: `pods not read`.
    pub(super) fn missing(&self) -> String {
        match self.doubt() {
            Some(Doubt::Objects(kind)) => self.missing_objects(kind),
            Some(Doubt::Legacy) => format!("{} is not judged", self.frame.app.insights.karpenter.api.name()),
            Some(Doubt::Version) => "Karpenter's version not known".to_owned(),
            Some(Doubt::AutoMode) => "its NodeClass is being deleted".to_owned(),
            Some(Doubt::Pass) => "a pass may still act".to_owned(),
            None => "nothing says why".to_owned(),
        }
    }

    /// Why not all objects of a kind are known: `pods not read`.
    pub(super) fn missing_objects(&self, kind: Kind) -> String {
        format!("{} {}", short_kinds(kind), self.frame.not_read(kind))
    }

    /// What a node that is not initialized waits for (karpenter pkg/controllers/nodeclaim/lifecycle/initialization.go).
    pub(super) fn waits_for(&self) -> String {
        let lacks_device = self.claim.is_some_and(|claim| {
            claim.capacity.gpus.iter().any(|gpu| gpu.count > 0 && !has_device(self.node, &gpu.resource))
        });
        if !self.node.is_ready() {
            ": not ready".to_owned()
        } else if lacks_device {
            ": device plugin".to_owned()
        } else if let Some(taint) = self.node.taints.first() {
            format!(": taint {}", taint.key)
        } else {
            String::new()
        }
    }

    /// For which reason Karpenter chose it, in its own word.
    fn chosen_for(&self) -> Option<&str> {
        let condition = Condition::find(&self.claim?.conditions, "DisruptionReason")?;
        Some(condition.reason.as_str()).filter(|reason| !reason.is_empty())
    }

    /// Until when, with `!` where something ends it sooner.
    pub(super) fn until(&self) -> Line {
        let day = |at| format::day_or_clock(self.frame.app.now, at);
        match (self.standing, self.disruption.until()) {
            (Standing::WillNotHold, _) => {
                let at = self.broken().and_then(|broken| broken.begins()).map_or_else(|| "any time".to_owned(), day);
                Line::of(self.role(), format!("{at} !"))
            }
            (Standing::Candidate, _) => Line::of(words::standing(self.standing).role, "now"),
            (Standing::Interrupted, _) => self.goes(),
            (Standing::Terminating | Standing::Disrupting, _) => {
                match self.claim.and_then(|claim| claim.termination_at) {
                    Some(at) => Line::of(Role::Terminating, day(at)),
                    None => Line::of(Role::TextDim, format::NONE),
                }
            }
            (Standing::Unknown, _) => Line::of(Role::Unknown, format::UNKNOWN),
            (_, Some(at)) if at > self.frame.app.now => Line::plain(day(at)),
            _ => Line::of(Role::TextDim, format::NONE),
        }
    }

    fn goes(&self) -> Line {
        let at = self.hazards.iter().find(|hazard| hazard.kind == HazardKind::SpotInterruption).and_then(|one| one.at);
        at.map_or_else(|| Line::of(Role::Bad, "now !"), |at| Line::of(Role::Bad, format!("{} !", self.clock(at))))
    }

    fn clock(&self, at: crate::units::Time) -> String {
        format::clock(self.frame.app.now, at)
    }

    /// The headline as a colleague would say it, with what ends it all the same.
    pub(super) fn sentence(&self) -> String {
        if let (Standing::WillNotHold, Some(broken)) = (self.standing, self.broken()) {
            if self.frame.app.ui.size.0 < WIDE_FROM {
                return self.end_first(&broken);
            }
            return format!("{} but {}", self.what_breaks(&broken), self.end(broken.hazard).of_pod(broken.pod));
        }
        if self.standing == Standing::Interrupted {
            return self.what_interrupts();
        }
        let held = format!("{}{}", self.what_holds(), self.free());
        let next = self.hazards.iter().filter(|hazard| hazard.at.is_some()).min_by_key(|hazard| hazard.at);
        match next {
            Some(hazard) if self.standing != Standing::Terminating => format!("{held}; {}", self.end(hazard).what()),
            _ => held,
        }
    }

    /// How a hazard is told.
    pub(super) fn end<'b>(&'b self, hazard: &'b Hazard) -> End<'b> {
        End { frame: self.frame, claim: self.claim, hazard }
    }

    fn what_interrupts(&self) -> String {
        let notice = self.hazards.iter().find(|hazard| hazard.kind == HazardKind::SpotInterruption);
        let dies = notice
            .filter(|hazard| !hazard.pods.is_empty())
            .map(|hazard| self.end(hazard).of_pod(Some(&hazard.pods[0].pod)));
        dies.or_else(|| notice.map(|hazard| self.end(hazard).what()))
            .unwrap_or_else(|| "the cloud takes the instance back".to_owned())
    }

    /// The same for few columns: what is lost and when, then why.
    fn end_first(&self, broken: &Broken<'_>) -> String {
        let end = self.end(broken.hazard);
        let whose = broken.pod.map_or("it", |pod| pod.name.as_str());
        let when = broken.at.map_or_else(
            || "may go any time".to_owned(),
            |at| {
                let verb = if broken.pod.is_some() { "dies" } else { "ends" };
                format!("{verb} {}", format::clock_seconds(self.frame.app.now, at))
            },
        );
        format!("{whose} {when}: {}; {}", end.cause(), self.what_breaks(broken))
    }

    /// The protection that is broken; the headline may speak of something else.
    fn what_breaks(&self, broken: &Broken<'_>) -> String {
        let holds = |blocker: &&Blocker| match broken.pod {
            Some(pod) => {
                blocker.kind == BlockerKind::PodAnnotation
                    && blocker.object.as_ref().is_some_and(|key| key.object == *pod)
            }
            None => blocker.kind.is_protection(),
        };
        match self.disruption.firm().find(holds) {
            Some(blocker) if blocker.kind == BlockerKind::PodAnnotation => self.protected_by(blocker),
            Some(blocker) if blocker.kind == BlockerKind::NodeAnnotation => {
                "protected by the Node's own annotation".to_owned()
            }
            Some(blocker) => self.pdb_sentence(blocker),
            None => self.what_holds(),
        }
    }

    fn what_holds(&self) -> String {
        let blocker = self.disruption.main_blocker();
        match (self.disruption.verdict, blocker) {
            (Verdict::ProtectedByPod, Some(blocker)) => self.protected_by(blocker),
            (Verdict::ProtectedByNode, _) => {
                "protected by the Node's own annotation, until somebody removes it".to_owned()
            }
            (Verdict::BlockedByPdb, Some(blocker)) => format!("{}{}", self.pdb_sentence(blocker), self.more()),
            (Verdict::BlockedByBudget, Some(_)) => self.budget_sentence(),
            (Verdict::ConsolidateAfterPending, _) => {
                format!("Karpenter may look at it when it is {}", self.quiet_words())
            }
            (Verdict::NotInitialized, _) => format!("not initialized{}", self.waits_for()),
            (Verdict::BeingDisrupted, _) => {
                let why = self.chosen_for().map_or_else(String::new, |why| format!(" as {why}"));
                format!("Karpenter has chosen it{why} and is disrupting it")
            }
            (Verdict::SpotInterrupted, _) => "the cloud takes the instance back".to_owned(),
            (Verdict::NotManaged, _) => "not managed by Karpenter".to_owned(),
            (Verdict::Unknown, _) => format!("whether Karpenter may take it is not known: {}", self.missing_sentence()),
            _ => {
                let headline = format::sentence(self.frame.app.now, &said_words::headline(&self.disruption));
                self.why_it_stays().map_or_else(|| headline.clone(), |why| format!("{headline}; {why}"))
            }
        }
    }

    /// What Karpenter's simulation is proven not to find, of a node that it may take.
    fn why_it_stays(&self) -> Option<String> {
        let proof = self.disruption.blockers.iter().find(|blocker| blocker.is_proof())?;
        let stays = self.disruption.may.yes.without(proof.reasons).is_empty().then_some("stays: ");
        Some(format!("{}{}", stays.unwrap_or_default(), self.message(proof)))
    }

    /// Whether it is proven that Karpenter's simulation cannot succeed for a reason.
    fn is_proven_to_stay(&self, reason: Reason) -> bool {
        self.disruption.blockers.iter().any(|blocker| blocker.is_proof() && blocker.reasons.contains(reason))
    }

    /// `, free 15:02`, unless the sentence ends with that time anyway.
    fn free(&self) -> String {
        let is_told = self.disruption.verdict == Verdict::ConsolidateAfterPending;
        let not_before = NotBefore::of(&self.frame.evaluator().case(self.node), &self.disruption);
        let first = not_before.first(&self.disruption).filter(|at| *at > self.frame.app.now);
        match first {
            Some(at) if !(is_told && Some(at) == self.disruption.until()) => format!(", free {}", self.clock(at)),
            _ => String::new(),
        }
    }

    fn quiet_words(&self) -> String {
        match self.disruption.until() {
            Some(at) if at > self.frame.app.now => format!("quiet, at {} UTC if no pod comes or goes", self.clock(at)),
            _ => "quiet".to_owned(),
        }
    }

    fn missing_sentence(&self) -> String {
        format!("{}{}", self.missing(), if self.frame.readable(Kind::Pod) { "" } else { " yet" })
    }

    /// Why a blocker stops Karpenter, for the eye.
    pub(super) fn message(&self, blocker: &Blocker) -> String {
        format::sentence(self.frame.app.now, &blocker.message)
    }

    /// `protected by ml/train-7 ("4h", ends 15:02)`.
    fn protected_by(&self, blocker: &Blocker) -> String {
        let Some(key) = &blocker.object else { return self.message(blocker) };
        let value = self.frame.app.fleet.pods.get(&key.object).and_then(|pod| pod.do_not_disrupt.as_ref());
        let value = value.map_or("", |value| value.as_str());
        let ends = blocker.until.map_or_else(String::new, |at| format!(", ends {}", self.clock(at)));
        let all = self.disruption.blockers.iter().filter(|other| other.kind == blocker.kind).count();
        let more = match all {
            0 | 1 => String::new(),
            several => format!(" and {}", format::plural(several - 1, "other pod")),
        };
        format!("protected by {} (\"{value}\"{ends}){more}", key.object)
    }

    fn pdb_sentence(&self, blocker: &Blocker) -> String {
        let Some(key) = &blocker.object else { return self.message(blocker) };
        if blocker.kind == BlockerKind::MultiplePdbs {
            return format!(
                "held because pod {} is under several PodDisruptionBudgets, which eviction does not support",
                key.object
            );
        }
        let counts = self.frame.app.fleet.disruption_budgets.get(&key.object);
        let counts = counts.map_or_else(String::new, |row| {
            format!(" ({} of {} wanted are healthy)", row.current_healthy, row.desired_healthy)
        });
        format!("held by PodDisruptionBudget {}, which lets no pod go{counts}", key.object)
    }

    /// In numbers, because Karpenter's sentence has none.
    pub(super) fn budget_sentence(&self) -> String {
        let pool = self.node.node_pool().map_or("", |pool| pool.as_str());
        let reason = self.budget_reason().map_or("", Reason::name);
        let until = match self.disruption.until() {
            Some(at) => format!(" until {} UTC", self.clock(at)),
            None => ", and no window that would change it is known".to_owned(),
        };
        match self.budget_counts() {
            Some((allowed, counted, _)) if allowed <= 0 => {
                format!("the budgets of NodePool {pool} allow 0 of {counted} for {reason}{until}")
            }
            Some((allowed, counted, used)) => format!(
                "the budgets of NodePool {pool} allow {allowed} of {counted} for {reason}, and {used} are in use{until}"
            ),
            None => format!("the budgets of NodePool {pool} allow nothing{until}"),
        }
    }

    /// What is the case with a reason, and whether Karpenter may act on it now: `yes, AMIDrift (8d) · not now: budget`.
    pub(super) fn reason(&self, reason: Reason, case: &NodeInputs<'_>, not_before: NotBefore) -> Line {
        let applies = case.applies(reason);
        let (fact, role) = match applies {
            Some(true) => (self.fact(reason, case), Role::Text),
            Some(false) => (no_fact(reason, case), Role::TextDim),
            None => ("not known whether it is".to_owned(), Role::Unknown),
        };
        let line = Line::of(role, fact);
        match (applies, self.disruption.may.get(reason)) {
            (Some(false), _) => line,
            (_, Some(true)) if self.is_proven_to_stay(reason) => {
                line.and(Role::TextDim, " · ").and(Role::TextStrong, "Karpenter may, but its simulation cannot succeed")
            }
            (_, Some(true)) => {
                let words = format!("Karpenter may take it now{}", self.turn(reason));
                line.and(Role::TextDim, " · ").and(Role::Info, words)
            }
            (_, Some(false)) => line.and(Role::TextDim, " · ").and(Role::TextStrong, self.not_now(reason, not_before)),
            (_, None) => {
                let words = format!("not known whether Karpenter may: {}", self.missing());
                line.and(Role::TextDim, " · ").and(Role::Unknown, words)
            }
        }
    }

    /// `, number 2 of the 5 drifted nodes that it tries`, where there are others.
    fn turn(&self, reason: Reason) -> String {
        let app = self.frame.app;
        let places = || app.insights.drift_places(&app.inputs());
        let place = (reason == Reason::Drifted).then(places).and_then(|all| all.get(&self.node.meta.key.name).copied());
        match place {
            Some(DriftPlace { place, of }) if of > 1 => {
                format!(", number {place} of the {of} drifted nodes that it tries")
            }
            _ => String::new(),
        }
    }

    fn fact(&self, reason: Reason, case: &NodeInputs<'_>) -> String {
        match reason {
            Reason::Empty => "yes".to_owned(),
            Reason::Drifted => {
                let Some(drift) = Facts::of(case).drifted else { return "yes".to_owned() };
                let since = drift.since.map(|at| format!(" ({})", format::relative(self.frame.app.now, at)));
                format!("yes, {}{}", drift.reason, since.unwrap_or_default())
            }
            Reason::Underutilized => "if its pods fit elsewhere".to_owned(),
        }
    }

    /// `not now: budget, not before 14:20 UTC (in 2h) as long as nothing changes`.
    fn not_now(&self, reason: Reason, not_before: NotBefore) -> String {
        let counts = |blocker: &&Blocker| blocker.reasons.contains(reason) && blocker.kind != BlockerKind::InputMissing;
        let stops = self.disruption.firm().filter(counts);
        let mut kinds: Vec<&str> = stops.map(kind_words).collect();
        kinds.dedup();
        let now = self.frame.app.now;
        let until = not_before.get(reason).filter(|at| *at > now);
        let until = until.map(|at| {
            format!(", not before {} UTC ({}) as long as nothing changes", self.clock(at), format::relative(now, at))
        });
        format!("not now: {}{}", kinds.join(", "), until.unwrap_or_default())
    }
}

impl End<'_> {
    fn clock(&self) -> Option<String> {
        self.hazard.at.map(|at| format::clock(self.frame.app.now, at))
    }

    /// What comes, and when: `expires 14:20 and has terminationGracePeriod 10m`.
    pub(super) fn what(&self) -> String {
        let at = self.clock().unwrap_or_default();
        match self.hazard.kind {
            HazardKind::Expiration => format!("expires {at}{}", self.grace()),
            HazardKind::SpotInterruption if at.is_empty() => "the cloud takes the instance back".to_owned(),
            HazardKind::SpotInterruption => format!("the cloud takes the instance at {at}"),
            HazardKind::RebalanceRecommendation => "the cloud warns that it may take the instance soon".to_owned(),
            HazardKind::DriftOverridesProtection => {
                let from = if at.is_empty() { String::new() } else { format!(" from {at} on") };
                format!("drifted with a terminationGracePeriod: pods do not stop Karpenter{from}")
            }
            HazardKind::CapacityBlockEnd => format!("its capacity block ends: Karpenter deletes it {at}"),
            HazardKind::HardwareRepair => format!("it is broken and is replaced {at}"),
            HazardKind::MaxLifetime => format!("EKS Auto Mode ends it {at}, 21 days old"),
            HazardKind::StaticScaleDown => "its NodePool has more nodes than replicas: some are deleted".to_owned(),
        }
    }

    /// The same in as few words as possible.
    fn cause(&self) -> String {
        match self.hazard.kind {
            HazardKind::Expiration => format!("expires {}", self.clock().unwrap_or_default()),
            _ => self.what(),
        }
    }

    /// What becomes of its pods at the end.
    fn grace(&self) -> String {
        match self.claim.and_then(|claim| claim.termination_grace_seconds) {
            Some(seconds) => format!(" and has terminationGracePeriod {}", duration::format_compact(seconds)),
            None if self.hazard.pods.is_empty() => String::new(),
            None => " and then waits for its protected pods".to_owned(),
        }
    }

    /// The same with what it does to a pod: `…: train-7 dies 14:29:30`.
    pub(super) fn of_pod(&self, pod: Option<&ObjectKey>) -> String {
        let what = self.what();
        let Some(pod) = pod else { return what };
        let others = self.hazard.pods.len().saturating_sub(1);
        let more = if others > 0 { format!(" (and {others} more)") } else { String::new() };
        let reached = self.hazard.pods.iter().find(|reached| reached.pod == *pod);
        match reached.and_then(|reached| reached.killed_at) {
            Some(at) => format!("{what}: {} dies {}{more}", pod.name, format::clock_seconds(self.frame.app.now, at)),
            None => format!("{what}: {} goes with it{more}", pod.name),
        }
    }
}

fn has_device(node: &NodeRow, resource: &str) -> bool {
    node.capacity.gpus.iter().any(|gpu| gpu.resource == resource && gpu.count > 0)
}

fn short_kind(key: Option<&Key>) -> &'static str {
    match key.map(|key| key.kind) {
        Some(Kind::NodeClaim) => "claim",
        Some(Kind::PodDisruptionBudget) => "pdb",
        _ => "",
    }
}

/// The kind in the plural, as people say it.
pub(super) const fn short_kinds(kind: Kind) -> &'static str {
    match kind {
        Kind::Pod => "pods",
        Kind::PodDisruptionBudget => "PDBs",
        Kind::NodeClaim => "NodeClaims",
        Kind::NodePool => "NodePools",
        Kind::Node => "nodes",
        _ => kind.resource(),
    }
}

/// Names of reasons, for sentences: Karpenter's own.
pub(super) fn reasons(blocker: &Blocker) -> String {
    said_words::list(blocker.reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_a_label_of_its_own() {
        let mut labels: Vec<&str> = Verdict::ALL.into_iter().map(label).collect();
        assert!(labels.iter().all(|label| !label.is_empty()));
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Verdict::ALL.len());
    }

    #[test]
    fn only_candidate_verdicts_are_labelled_candidate() {
        for verdict in Verdict::ALL {
            assert_eq!(label(verdict).starts_with("candidate"), verdict.is_candidate(), "{verdict:?}");
        }
    }
}
