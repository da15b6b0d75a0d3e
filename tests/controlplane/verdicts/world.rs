//! The cluster at one moment, as far as Karpenter's decisions depend on it.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::bed::{Bed, Context, Result};

/// Raw objects of one look.
pub struct World {
    /// When the look began.
    pub at: Timestamp,
    nodes: Vec<Value>,
    claims: Vec<Value>,
    pods: Vec<Value>,
    pdbs: Vec<Value>,
    pools: Vec<Value>,
}

/// A Node with the name of its NodeClaim and NodePool, which outlive a lost label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The Node.
    pub node: String,
    /// Its NodeClaim.
    pub claim: String,
    /// The NodePool of the NodeClaim.
    pub pool: String,
}

impl World {
    /// What the API server has now.
    pub fn look(bed: &Bed) -> Result<Self> {
        let at = Timestamp::now();
        let list = |path: &str| bed.api().list(&format!("{path}?resourceVersion=0"));
        Ok(Self {
            at,
            nodes: list("/api/v1/nodes")?,
            claims: list("/apis/karpenter.sh/v1/nodeclaims")?,
            pods: list("/api/v1/pods")?,
            pdbs: list("/apis/policy/v1/poddisruptionbudgets")?,
            pools: list("/apis/karpenter.sh/v1/nodepools")?,
        })
    }

    /// All Nodes that have a NodeClaim.
    pub fn members(&self) -> Vec<Member> {
        let member = |claim: &Value| {
            let node = text(&claim["status"]["nodeName"]);
            let pool = text(&claim["metadata"]["labels"]["karpenter.sh/nodepool"]);
            let claim = text(&claim["metadata"]["name"]);
            (!node.is_empty()).then(|| Member { node: node.into(), claim: claim.into(), pool: pool.into() })
        };
        self.claims.iter().filter_map(member).collect()
    }

    /// Whether there are neither Nodes nor NodeClaims.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.claims.is_empty()
    }

    /// The NodeClaims of a pool.
    pub fn claims_of(&self, pool: &str) -> impl Iterator<Item = &Value> {
        self.claims.iter().filter(move |claim| claim["metadata"]["labels"]["karpenter.sh/nodepool"] == pool)
    }

    /// A NodeClaim.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        named(&self.claims, name)
    }

    /// A Node.
    pub fn node(&self, name: &str) -> Option<&Value> {
        named(&self.nodes, name)
    }

    /// A pod.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<&Value> {
        self.pods.iter().find(|pod| pod["metadata"]["namespace"] == namespace && pod["metadata"]["name"] == name)
    }

    /// A PodDisruptionBudget.
    pub fn pdb(&self, namespace: &str, name: &str) -> Option<&Value> {
        self.pdbs.iter().find(|pdb| pdb["metadata"]["namespace"] == namespace && pdb["metadata"]["name"] == name)
    }

    /// Whether a NodeClaim without providerID stops Karpenter's whole disruption loop.
    pub fn paused(&self) -> bool {
        self.claims.iter().any(|claim| !is_launched(claim))
    }

    /// Whether a NodeClaim does not pause it, or no more.
    pub fn pauses_no_more(&self, claim: &str) -> bool {
        self.claim(claim).is_none_or(is_launched)
    }

    /// Everything about one Node that can change Karpenter's mind, but for what taking it changes.
    pub fn inputs(&self, member: &Member) -> Value {
        let node = self.node(&member.node).unwrap_or(&Value::Null);
        let claim = self.claim(&member.claim).unwrap_or(&Value::Null);
        let pods: Vec<Value> =
            self.pods.iter().filter(|pod| pod["spec"]["nodeName"] == member.node.as_str()).map(pod_inputs).collect();
        let conditions: Vec<Value> = conditions(claim).map(|found| json!([found["type"], found["status"]])).collect();
        json!({
            "labels": node["metadata"]["labels"],
            "annotation": node["metadata"]["annotations"][super::place::DO_NOT_DISRUPT],
            "conditions": conditions,
            "lastPodEvent": claim["status"]["lastPodEventTime"],
            "pods": pods,
            "paused": self.paused(),
            "surroundings": self.surroundings(member),
        })
    }

    /// The part of the inputs that lies outside of the Node, which its end leaves alone.
    pub fn surroundings(&self, member: &Member) -> Value {
        let pool = named(&self.pools, &member.pool).unwrap_or(&Value::Null);
        let mates: Vec<Value> = self.mates(member).map(|claim| self.mate_inputs(claim)).collect();
        let pdbs: Vec<Value> =
            self.pdbs.iter().map(|pdb| json!([name(pdb), pdb["status"]["disruptionsAllowed"]])).collect();
        json!({
            "disruption": pool["spec"]["disruption"],
            "mates": mates,
            "pdbs": pdbs,
        })
    }

    fn mates<'a>(&'a self, member: &'a Member) -> impl Iterator<Item = &'a Value> {
        self.claims_of(&member.pool).filter(|claim| name(claim) != member.claim)
    }

    fn mate_inputs(&self, claim: &Value) -> Value {
        let node = self.node(text(&claim["status"]["nodeName"])).unwrap_or(&Value::Null);
        json!([
            name(claim),
            claim["metadata"].get("deletionTimestamp").is_some(),
            condition(claim, "DisruptionReason").is_some(),
            condition(node, "Ready").map(|ready| &ready["status"]),
            node["metadata"]["labels"]["karpenter.sh/initialized"],
        ])
    }
}

/// Why Karpenter is ending the Node of a NodeClaim: the reason it gives, `Ended` for a
/// deletion without one, `None` while it is left alone.
pub fn end_of(claim: &Value) -> Option<String> {
    let reason = condition(claim, "DisruptionReason").filter(|condition| condition["status"] == "True");
    match reason {
        Some(condition) => Some(text(&condition["reason"]).to_owned()),
        None => claim["metadata"].get("deletionTimestamp").map(|_| "Ended".to_owned()),
    }
}

/// Why Karpenter ended the Node of a NodeClaim that is gone: what
/// [`end_of`] says first of all that it was since this look, which the API server still knows. A
/// Node that nothing holds can be gone by the next look.
pub fn end_since(bed: &Bed, claim: &Value) -> Result<String> {
    let path = format!(
        "/apis/karpenter.sh/v1/nodeclaims?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3D{}&resourceVersion={}",
        name(claim),
        text(&claim["metadata"]["resourceVersion"])
    );
    let history = bed.api().text(&path)?;
    let changes = history.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>().context(&path)?;
    let reason = changes.iter().find_map(|change| end_of(&change["object"]));
    Ok(reason.unwrap_or_else(|| "Ended".to_owned()))
}

fn is_launched(claim: &Value) -> bool {
    !text(&claim["status"]["providerID"]).is_empty()
}

fn pod_inputs(pod: &Value) -> Value {
    json!([
        pod["metadata"]["namespace"],
        pod["metadata"]["name"],
        pod["metadata"]["annotations"],
        pod["metadata"].get("deletionTimestamp").is_some(),
        pod["status"]["phase"],
        condition(pod, "Ready").map(|ready| &ready["status"]),
    ])
}

/// A condition of an object.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    conditions(object).find(|condition| condition["type"] == kind)
}

/// Whether a condition is True.
pub fn holds(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| condition["status"] == "True")
}

fn conditions(object: &Value) -> impl Iterator<Item = &Value> {
    object["status"]["conditions"].as_array().into_iter().flatten()
}

fn named<'a>(objects: &'a [Value], wanted: &str) -> Option<&'a Value> {
    objects.iter().find(|object| name(object) == wanted)
}

/// Name of an object.
pub fn name(object: &Value) -> &str {
    text(&object["metadata"]["name"])
}

/// A JSON string, or nothing.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
