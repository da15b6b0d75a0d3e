//! One row of any listing, and what filters and orders ask of it.

use super::App;
use super::devices::{DeviceGroupKey, DeviceKey};
use super::observed::ObservedKey;
use crate::fleet::{EventRow, Fleet, JobRow, Key, Kind, Meta, NodeClaimRow, NodePoolRow, NodeRow, PodRow, Sym};
use crate::insight::cost::CostKey;
use crate::insight::gpu::{self, Thousandths};
use crate::insight::incidents::IncidentKey;
use crate::insight::picture::MatterKey;
use crate::insight::spot::{SpotPoolKey, SpotZoneKey};

/// The identity of a row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RowKey {
    /// An object of the cluster.
    Object(Key),
    /// A cost group, on Cost. Boxed, because there are 100,000 rows of objects and few of these.
    CostKey(Box<CostKey>),
    /// A device of a Node, or those of which nobody tells. Boxed for the same reason.
    Device(Box<DeviceKey>),
    /// A group of devices.
    DeviceGroup(Box<DeviceGroupKey>),
    /// A spot pool.
    SpotPool(Box<SpotPoolKey>),
    /// All spot capacity of a zone.
    SpotZone(Box<SpotZoneKey>),
    /// What was observed of starts.
    Observed(Box<ObservedKey>),
    /// What needs somebody.
    Matter(Box<MatterKey>),
    /// An incident.
    Incident(Box<IncidentKey>),
}

impl RowKey {
    /// The object, where the row is one.
    pub const fn object(&self) -> Option<&Key> {
        match self {
            Self::Object(key) => Some(key),
            _ => None,
        }
    }

    /// The cost group, where the row is one.
    pub fn payer(&self) -> Option<&CostKey> {
        match self {
            Self::CostKey(payer) => Some(payer),
            _ => None,
        }
    }

    /// The device, where the row is one.
    pub fn device(&self) -> Option<&DeviceKey> {
        match self {
            Self::Device(device) => Some(device),
            _ => None,
        }
    }

    /// The group of devices, where the row is one.
    pub fn device_group(&self) -> Option<&DeviceGroupKey> {
        match self {
            Self::DeviceGroup(group) => Some(group),
            _ => None,
        }
    }

    /// The spot pool, where the row is one.
    pub fn spot_pool(&self) -> Option<&SpotPoolKey> {
        match self {
            Self::SpotPool(pool) => Some(pool),
            _ => None,
        }
    }

    /// The zone of spot capacity, where the row is one.
    pub fn spot_zone(&self) -> Option<&SpotZoneKey> {
        match self {
            Self::SpotZone(zone) => Some(zone),
            _ => None,
        }
    }

    /// What needs somebody, where the row is that.
    pub fn matter(&self) -> Option<&MatterKey> {
        match self {
            Self::Matter(matter) => Some(matter),
            _ => None,
        }
    }

    /// What was observed of starts, where the row is that.
    pub fn observed(&self) -> Option<&ObservedKey> {
        match self {
            Self::Observed(observed) => Some(observed),
            _ => None,
        }
    }

    /// The incident, where the row is one.
    pub fn incident(&self) -> Option<&IncidentKey> {
        match self {
            Self::Incident(incident) => Some(incident),
            _ => None,
        }
    }
}

impl From<Key> for RowKey {
    fn from(key: Key) -> Self {
        Self::Object(key)
    }
}

/// One row of a listing of objects.
#[derive(Clone, Copy)]
pub enum RowRef<'a> {
    /// A row of Fleet.
    Node(&'a NodeRow),
    /// A row of Fleet while the NodeClaim has no Node, and of Pools.
    Claim(&'a NodeClaimRow),
    /// A row of Pools, with its NodeClaims below it.
    Pool(&'a NodePoolRow),
    /// A row of Pods.
    Pod(&'a PodRow),
    /// A row of Jobs.
    Job(&'a JobRow),
    /// A row of Events.
    Event(&'a EventRow),
}

impl<'a> RowRef<'a> {
    /// The row of a key, where it still exists.
    pub fn find(app: &'a App, key: &Key) -> Option<Self> {
        Self::find_in(&app.fleet, key)
    }

    /// The row of a key, where it still exists.
    pub fn find_in(fleet: &'a Fleet, key: &Key) -> Option<Self> {
        let object = &key.object;
        match key.kind {
            Kind::Node => fleet.nodes.get(object).map(Self::Node),
            Kind::NodeClaim => fleet.node_claims.get(object).map(Self::Claim),
            Kind::NodePool => fleet.node_pools.get(object).map(Self::Pool),
            Kind::Pod => fleet.pods.get(object).map(Self::Pod),
            Kind::Job => fleet.jobs.get(object).map(Self::Job),
            Kind::Event => fleet.events.get(object).map(Self::Event),
            _ => None,
        }
    }

    /// Kind of the object.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Node(_) => Kind::Node,
            Self::Claim(_) => Kind::NodeClaim,
            Self::Pool(_) => Kind::NodePool,
            Self::Pod(_) => Kind::Pod,
            Self::Job(_) => Kind::Job,
            Self::Event(_) => Kind::Event,
        }
    }

    /// Name, namespace, UID and times of the object.
    pub const fn meta(self) -> &'a Meta {
        match self {
            Self::Node(row) => &row.meta,
            Self::Claim(row) => &row.meta,
            Self::Pool(row) => &row.meta,
            Self::Pod(row) => &row.meta,
            Self::Job(row) => &row.meta,
            Self::Event(row) => &row.meta,
        }
    }

    /// Kind, namespace and name of the object.
    pub fn key(self) -> Key {
        Key::new(self.kind(), self.meta().key.clone())
    }

    /// The NodePool of the object; that of a pod is its Node's.
    pub fn node_pool(self, fleet: &'a Fleet) -> Option<&'a Sym> {
        match self {
            Self::Node(row) => row.node_pool(),
            Self::Claim(row) => row.node_pool(),
            Self::Pool(row) => Some(&row.meta.key.name),
            Self::Pod(row) => fleet.node(row.node.as_ref()?)?.node_pool(),
            Self::Job(_) | Self::Event(_) => None,
        }
    }

    /// The Node that the object is, is on, or speaks of.
    pub fn node(self) -> Option<&'a Sym> {
        match self {
            Self::Node(row) => Some(&row.meta.key.name),
            Self::Claim(row) => row.node_name.as_ref(),
            Self::Pod(row) => row.node.as_ref(),
            Self::Event(row) if row.object.kind == "Node" => Some(&row.object.key.name),
            Self::Event(row) => row.host.as_ref(),
            Self::Pool(_) | Self::Job(_) => None,
        }
    }

    /// Instance type of a machine, from its label; `None` for other rows.
    pub fn instance_type(self) -> Option<&'a Sym> {
        match self {
            Self::Node(row) => row.instance_type(),
            Self::Claim(row) => row.instance_type(),
            _ => None,
        }
    }

    /// Zone of a machine, from its label; `None` for other rows.
    pub fn zone(self) -> Option<&'a Sym> {
        match self {
            Self::Node(row) => row.zone(),
            Self::Claim(row) => row.zone(),
            _ => None,
        }
    }

    /// Capacity type of a machine, in the words of Karpenter's label; `None` for other rows.
    pub fn capacity(self) -> Option<&'static str> {
        let capacity = match self {
            Self::Node(row) => row.capacity_type(),
            Self::Claim(row) => row.capacity_type(),
            _ => None,
        };
        capacity.map(crate::fleet::CapacityType::name)
    }

    /// The value of a label of a machine, a Job or a pod; `None` for other rows.
    pub fn label(self, key: &str) -> Option<&'a str> {
        let labels = match self {
            Self::Node(row) => &row.labels,
            Self::Claim(row) => &row.labels,
            Self::Pod(row) => &row.labels,
            Self::Job(row) => &row.labels,
            Self::Pool(_) | Self::Event(_) => return None,
        };
        labels.get(key).map(Sym::as_str)
    }

    /// Name of the owner that controls a pod or a Job.
    pub fn owner(self) -> Option<&'a Sym> {
        match self {
            Self::Pod(row) => row.owner.as_ref().map(|owner| &owner.name),
            Self::Job(row) => row.owner.as_ref().map(|owner| &owner.name),
            _ => None,
        }
    }

    /// Name of the Job that owns a pod, or that the row is.
    pub fn job(self) -> Option<&'a Sym> {
        match self {
            Self::Pod(row) => row.job_owner().map(|owner| &owner.name),
            Self::Job(row) => Some(&row.meta.key.name),
            _ => None,
        }
    }

    /// How many accelerators it has (a Node, a NodeClaim) or requests (a pod, the pods of a Job together).
    pub fn gpus(self, app: &App) -> Thousandths {
        match self {
            Self::Node(row) => Thousandths::units(gpus_of_node(row, app)),
            Self::Claim(row) => Thousandths::units(row.capacity.gpu_total().max(row.requests.gpu_total())),
            Self::Pod(row) => gpu::requested_by(&app.fleet, row),
            Self::Job(row) => gpus_of_job(row, app),
            Self::Pool(_) | Self::Event(_) => Thousandths(0),
        }
    }

    /// Whether it has or requests accelerators, or is a Job whose pods will.
    pub fn is_of_gpus(self, app: &App) -> bool {
        let will_request = matches!(self, Self::Job(row) if row.requests.gpu_total() > 0);
        will_request || self.gpus(app) > Thousandths(0)
    }
}

fn gpus_of_node(node: &NodeRow, app: &App) -> i64 {
    app.insights
        .picture
        .node(&node.meta.key.name)
        .and_then(|picture| picture.gpu.as_ref())
        .map_or(0, |gpu| gpu.advertised)
}

fn gpus_of_job(job: &JobRow, app: &App) -> Thousandths {
    app.insights.picture.job(job).map_or(Thousandths(0), |picture| picture.gpu_requested)
}

#[cfg(test)]
mod tests {
    use super::{Key, RowKey};

    /// There are 100,000 of them.
    #[test]
    fn a_row_key_is_no_larger_than_an_object_key() {
        assert_eq!(size_of::<RowKey>(), size_of::<Key>());
    }
}
