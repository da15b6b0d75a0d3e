//! One row of the comparison: what stands in the cluster, what batchtop must say of it,
//! and what Karpenter must then do.

use serde_json::{Value, json};

use super::place::Place;
use crate::bed::{NodePoolSpec, PodSpec, Result};

/// The three reasons, in the order in which Karpenter tries them and `may` lists them.
pub const REASONS: [&str; 3] = ["Empty", "Drifted", "Underutilized"];

/// `may` of a node that nothing voluntary can end.
pub const NOTHING: [bool; 3] = [false, false, false];
/// `may` of an empty node.
pub const EMPTY: [bool; 3] = [true, false, false];
/// `may` of a drifted node that is held against the rest.
pub const DRIFTED: [bool; 3] = [false, true, false];
/// `may` of a node with pods.
pub const UNDERUTILIZED: [bool; 3] = [false, false, true];

/// Reasons of a blocker that stops everything.
pub const ALL: &[&str] = &REASONS;
/// Reasons of a blocker that a terminationGracePeriod lets drift pass.
pub const GRACEFUL: &[&str] = &["Empty", "Underutilized"];

/// The type of nearly every node: two CPUs, and nothing cheaper in its NodePool.
pub const SMALL: &str = "m7i.large";
/// The pod that makes Karpenter launch a node and that is gone before the question is asked.
pub const STARTER: &str = "starter";
/// The pod of a node with one.
pub const WORK: &str = "work";

/// What is done to the cluster, with the names that only the running bed knows.
pub type Step = Box<dyn Fn(&Place<'_>) -> Result<()> + Send>;

/// One NodePool, named like the scenario, with a namespace of that name too.
pub struct Scenario {
    /// Names the scenario, its NodePool and its namespace.
    pub name: &'static str,
    /// The pool; its budget stays 0 until the question has been prepared.
    pub pool: NodePoolSpec,
    /// The real budgets.
    pub budgets: Value,
    /// Pods by name. The node of the first one is the subject.
    pub pods: Vec<(&'static str, PodSpec)>,
    /// Nodes that the pool will have; 0 for a Node outside of it.
    pub nodes: usize,
    /// Collections by path and what is created there before the pods.
    pub objects: Vec<(String, Value)>,
    /// PodDisruptionBudgets of the namespace that must have computed these allowances.
    pub allowances: Vec<(&'static str, i64)>,
    /// Conditions of the subject's NodeClaim that are awaited before the question.
    pub conditions: Vec<&'static str>,
    /// Whether its nodes become initialized at all.
    pub initializes: bool,
    /// Done while Karpenter runs under budget 0.
    pub preparations: Vec<Step>,
    /// Done while Karpenter is stopped, so that it cannot react before batchtop was asked.
    pub still: Vec<Step>,
    /// Done as soon as Karpenter was started, while it makes its first pass.
    pub soon: Vec<Step>,
    /// What batchtop must say before Karpenter acts.
    pub answer: Answer,
    /// What Karpenter must do.
    pub fate: Fate,
    /// What comes after that, if the scenario goes on.
    pub later: Later,
}

/// The parts of the snapshot that a scenario fixes.
#[derive(Default)]
pub struct Answer {
    /// `verdict`.
    pub verdict: &'static str,
    /// `may`, in the order of [`REASONS`].
    pub may: [bool; 3],
    /// Kinds and reasons of all blockers that are not advisory.
    pub blockers: Vec<(&'static str, &'static [&'static str])>,
    /// Whether there may be other blockers too.
    pub others: bool,
    /// Kinds of blockers that must announce their end.
    pub ends: Vec<&'static str>,
    /// Kinds of hazards, all of them.
    pub hazards: Vec<&'static str>,
    /// Pods of the namespace with `protection.state` and `holds`.
    pub protections: Vec<(&'static str, &'static str, Option<bool>)>,
    /// Rules of findings about objects of the scenario.
    pub findings: Vec<&'static str>,
    /// What is proven of the simulation.
    pub proof: Proof,
}

/// What batchtop proves of Karpenter's simulation.
#[derive(Default)]
pub enum Proof {
    /// The scenario does not ask.
    #[default]
    Unasked,
    /// Nothing.
    Nothing,
    /// That it cannot succeed for these reasons; none where only a deletion is ruled out.
    Of {
        /// The reasons as a whole.
        reasons: &'static [&'static str],
        /// A part of the sentence.
        says: &'static str,
    },
}

/// What Karpenter does with the subject.
pub enum Fate {
    /// It is disrupted for this reason.
    Taken(&'static str),
    /// Its NodeClaim is deleted for none of the three reasons.
    Ended,
    /// It stays, and a fresh event about the Node says exactly this; `$` is the scenario's name.
    Told(&'static str),
    /// It stays, and a fresh event about the Node begins like this.
    ToldLike(&'static str),
    /// It stays, and an event about the NodePool says that no disruption is allowed for this reason.
    ToldOfPool(&'static str),
    /// It stays without a word.
    Silence,
    /// It stays, in whatever words: these change from version to version.
    Stays,
    /// It stays although every gate is open: the simulation found no place, and a fresh
    /// event begins like this. The one disagreement that is allowed.
    Simulated(&'static str),
    /// It stays although every gate is open: the Balanced policy weighed the simulation's
    /// result and rejected it, which no event tells.
    Unbalanced,
}

/// How a scenario goes on after the first look.
pub enum Later {
    /// It does not.
    Nothing,
    /// The end that the answer announced passes, and this follows, never before that end.
    Elapses(Fate),
    /// Somebody does something once Karpenter has decided to leave the node; then batchtop
    /// must say this, and this must follow.
    After(Step, Option<Answer>, Fate),
}

impl Scenario {
    /// A pool of [`SMALL`] nodes without any pods yet.
    fn new(name: &'static str) -> Self {
        Self {
            name,
            pool: NodePoolSpec::new(name).instance_types(&[SMALL]),
            budgets: json!([{"nodes": "100%"}]),
            pods: Vec::new(),
            nodes: 1,
            objects: Vec::new(),
            allowances: Vec::new(),
            conditions: vec!["Consolidatable"],
            initializes: true,
            preparations: Vec::new(),
            still: Vec::new(),
            soon: Vec::new(),
            answer: Answer::default(),
            fate: Fate::Silence,
            later: Later::Nothing,
        }
    }

    /// A node with one pod.
    pub fn busy(name: &'static str) -> Self {
        Self::busy_with(name, PodSpec::new())
    }

    /// A node with this pod, which is called [`WORK`].
    pub fn busy_with(name: &'static str, pod: PodSpec) -> Self {
        Self::new(name).pod(WORK, pod)
    }

    /// A node whose only pod is gone.
    pub fn empty(name: &'static str) -> Self {
        Self::empty_after(name, PodSpec::new())
    }

    /// A node whose only pod was this one.
    pub fn empty_after(name: &'static str, pod: PodSpec) -> Self {
        Self::new(name).pod(STARTER, pod).prepare(|place| place.remove_pod(STARTER))
    }

    /// A node of a pool that keeps this many, pods or not.
    pub fn of_static_pool(name: &'static str) -> Self {
        Self::new(name).with_pool(|pool| pool.field("replicas", json!(1))).not_quiet()
    }

    /// A Node that Karpenter did not make.
    pub fn of_nobody(name: &'static str) -> Self {
        Self { nodes: 0, ..Self::new(name).not_quiet() }
    }

    /// Several nodes with one pod each, called like this; the node of the first is the subject.
    pub fn busy_nodes(name: &'static str, pods: &'static [&'static str]) -> Self {
        let each = |scenario: Self, pod: &&'static str| scenario.pod(pod, PodSpec::new().cpu("1500m"));
        Self { nodes: pods.len(), ..pods.iter().fold(Self::new(name), each) }
    }

    /// One pod more, on a node of this pool.
    pub fn pod(mut self, name: &'static str, pod: PodSpec) -> Self {
        self.pods.push((name, pod.on_pool(self.name).label("app", name)));
        self
    }

    /// Another NodePool than usual.
    pub fn with_pool(mut self, change: impl FnOnce(NodePoolSpec) -> NodePoolSpec) -> Self {
        self.pool = change(self.pool);
        self
    }

    /// Other budgets than 100 % for everything.
    pub fn budgets(mut self, budgets: Value) -> Self {
        self.budgets = budgets;
        self
    }

    /// One object more in the collection at this path, before the pods.
    pub fn object(mut self, collection: &str, object: Value) -> Self {
        self.objects.push((collection.to_owned(), object));
        self
    }

    /// A PodDisruptionBudget that will allow this many disruptions.
    pub fn pdb(mut self, name: &'static str, spec: &Value, allowed: i64) -> Self {
        let object = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": name, "namespace": self.name}, "spec": spec});
        self.allowances.push((name, allowed));
        let path = format!("/apis/policy/v1/namespaces/{}/poddisruptionbudgets", self.name);
        self.object(&path, object)
    }

    /// A step while Karpenter runs under budget 0.
    pub fn prepare(mut self, step: impl Fn(&Place<'_>) -> Result<()> + Send + 'static) -> Self {
        self.preparations.push(Box::new(step));
        self
    }

    /// A step while Karpenter is stopped.
    pub fn while_stopped(mut self, step: impl Fn(&Place<'_>) -> Result<()> + Send + 'static) -> Self {
        self.still.push(Box::new(step));
        self
    }

    /// A step as soon as Karpenter was started.
    pub fn after_start(mut self, step: impl Fn(&Place<'_>) -> Result<()> + Send + 'static) -> Self {
        self.soon.push(Box::new(step));
        self
    }

    /// The NodePool's template changes after its nodes were launched.
    pub fn drifted(mut self) -> Self {
        self.conditions.push("Drifted");
        self.prepare(|place| {
            place.patch_pool(&json!({"spec": {"template": {"metadata": {"labels": {"drift": "yes"}}}}}))
        })
    }

    /// With a terminationGracePeriod.
    pub fn with_grace(self) -> Self {
        self.with_pool(|pool| pool.termination_grace_period("1h"))
    }

    /// The NodeClaim does not become Consolidatable: nothing waits for that.
    pub fn not_quiet(mut self) -> Self {
        self.conditions.retain(|condition| *condition != "Consolidatable");
        self
    }

    /// The node stays without its label `initialized`.
    pub fn never_initialized(self) -> Self {
        Self { initializes: false, ..self.not_quiet() }
    }

    // ---- What is expected ----

    /// batchtop's verdict and its `may`.
    pub fn says(mut self, verdict: &'static str, may: [bool; 3]) -> Self {
        self.answer.verdict = verdict;
        self.answer.may = may;
        self
    }

    /// With this blocker for these reasons.
    pub fn because(mut self, kind: &'static str, reasons: &'static [&'static str]) -> Self {
        self.answer.blockers.push((kind, reasons));
        self
    }

    /// And whatever else follows from what the node is.
    pub fn and_others(mut self) -> Self {
        self.answer.others = true;
        self
    }

    /// The blocker of this kind announces its end.
    pub fn until_known(mut self, kind: &'static str) -> Self {
        self.answer.ends.push(kind);
        self
    }

    /// With a hazard of this kind.
    pub fn warns_of(mut self, kind: &'static str) -> Self {
        self.answer.hazards.push(kind);
        self
    }

    /// The pod's protection is in this state, and holds or not.
    pub fn protection(mut self, pod: &'static str, state: &'static str, holds: Option<bool>) -> Self {
        self.answer.protections.push((pod, state, holds));
        self
    }

    /// A finding of this rule is about an object of the scenario.
    pub fn finds(mut self, rule: &'static str) -> Self {
        self.answer.findings.push(rule);
        self
    }

    /// This is proven of the simulation.
    pub fn proves(mut self, proof: Proof) -> Self {
        self.answer.proof = proof;
        self
    }

    /// Karpenter does this.
    pub fn karpenter(mut self, fate: Fate) -> Self {
        self.fate = fate;
        self
    }

    /// Then the announced end passes.
    pub fn then_elapses(mut self, fate: Fate) -> Self {
        self.later = Later::Elapses(fate);
        self
    }

    /// Then somebody does something.
    pub fn then_after(
        mut self,
        step: impl Fn(&Place<'_>) -> Result<()> + Send + 'static,
        answer: Option<Answer>,
        fate: Fate,
    ) -> Self {
        self.later = Later::After(Box::new(step), answer, fate);
        self
    }
}

impl Answer {
    /// An answer without blockers.
    pub fn open(verdict: &'static str, may: [bool; 3]) -> Self {
        Self { verdict, may, ..Self::default() }
    }
}
