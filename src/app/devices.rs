//! Devices: accelerators one by one, as exporters tell of them, and Node by Node those of which none tells; and what they
//! are grouped by.

use std::collections::BTreeSet;

use super::App;
use crate::fleet::{DeviceReading, NodeRow, ObjectKey, PodRow, Sym, Utilization};
use crate::insight::cost::{Cost, CostPart};
use crate::insight::gpu::{
    DeviceActivity, DevicePlugin, DeviceRates, GpuClass, NodeGpu, silent_boards, weight_of_device,
};
use crate::insight::picture::GpuState;

/// The identity of a row of devices: it stays the same whatever the device does, and whoever has it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DeviceKey {
    /// Name of its Node.
    pub node: Sym,
    /// Which device it is; `None` for all devices of the Node of which no exporter tells.
    pub id: Option<DeviceId>,
}

/// The identity of a device on its Node: a board, or one MIG instance of a board.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DeviceId {
    /// Identity of the board.
    pub uuid: Sym,
    /// Number of the MIG instance; `None` for a whole board.
    pub mig: Option<u32>,
}

/// What a row stands for.
#[derive(Clone, Copy)]
pub enum Devices<'a> {
    /// A device of which an exporter tells, and what it does; `None` before that has been found out.
    Told(&'a DeviceReading, Option<&'a DeviceActivity>),
    /// So many boards of a Node of which nobody tells; `None` where it is not known how many.
    Silent(Option<i64>),
}

/// A row of devices.
#[derive(Clone, Copy)]
pub struct DeviceRow<'a> {
    /// Its Node.
    pub node: &'a NodeRow,
    /// The accelerators of the Node together.
    pub gpu: &'a NodeGpu,
    /// What they do.
    pub state: &'a GpuState,
    /// What the Node costs.
    pub cost: &'a Cost,
    /// The device, or the devices.
    pub what: Devices<'a>,
    /// Its part of what the Node costs, in micro-dollars per hour; `None` where the price is not known.
    pub rate: Option<i64>,
    /// What of that is for devices that do nothing; `None` where that is not known.
    pub wasted: Option<i64>,
}

/// The rows of a Node: one for each device of which an exporter tells, and one for the rest. None where it has no
/// accelerators, or before it has been found out what they do.
pub fn of_node<'a>(app: &'a App, node: &'a NodeRow) -> Vec<DeviceRow<'a>> {
    let name = &node.meta.key.name;
    let known = app.insights.picture.node(name).and_then(|said| Some((said, said.gpu.as_ref()?)));
    let (Some((said, gpu)), Some(state)) = (known, app.insights.gpus.of_node(name)) else { return Vec::new() };
    let answers = app.fleet.gpus.of_node(name);
    let readings = state.activity.readings(answers);
    let rates = said.cost.rate().map(|rate| DeviceRates::of(rate, gpu.physical, readings));
    let row = |what, rate| DeviceRow { node, gpu, state, cost: &said.cost, what, rate, wasted: None };
    let told = state.activity.each_device(answers).enumerate().map(|(at, (reading, activity))| {
        let rate = rates.as_ref().and_then(|rates| rates.told.get(at)).copied();
        row(Devices::Told(reading, activity), rate)
    });
    let silent = silent_boards(gpu.physical, readings);
    let count = if readings.is_empty() { gpu.physical } else { Some(silent) };
    let rest = (readings.is_empty() || silent > 0)
        .then(|| row(Devices::Silent(count), rates.as_ref().map(|rates| rates.silent)));
    let unallocated = is_allocation_known(app, gpu).then_some(said.spend.unallocated_gpu);
    told.chain(rest).map(|row| DeviceRow { wasted: row.wasted(unallocated), ..row }).collect()
}

/// Whether it is known what of a Node's accelerators no pod requests.
fn is_allocation_known(app: &App, gpu: &NodeGpu) -> bool {
    let rates = app.insights.rates();
    gpu.device_plugin != DevicePlugin::NotRegistered
        && rates.is_some_and(|rates| rates.parts.get(CostPart::UnallocatedGpu).is_some())
}

/// The row of a key, where it still exists.
pub fn find<'a>(app: &'a App, key: &DeviceKey) -> Option<DeviceRow<'a>> {
    let node = app.fleet.node(&key.node)?;
    of_node(app, node).into_iter().find(|row| row.is_of(key))
}

impl<'a> DeviceRow<'a> {
    /// Its identity.
    pub fn key(&self) -> DeviceKey {
        let id = self.reading().map(|reading| DeviceId { uuid: reading.uuid.clone(), mig: mig(reading) });
        DeviceKey { node: self.node.meta.key.name.clone(), id }
    }

    fn is_of(&self, key: &DeviceKey) -> bool {
        match (self.reading(), &key.id) {
            (Some(reading), Some(id)) => reading.uuid == id.uuid && mig(reading) == id.mig,
            (None, None) => true,
            _ => false,
        }
    }

    /// What an exporter tells of it.
    pub const fn reading(&self) -> Option<&'a DeviceReading> {
        match self.what {
            Devices::Told(reading, _) => Some(reading),
            Devices::Silent(_) => None,
        }
    }

    /// What it does, as far as that has been found out.
    pub const fn activity(&self) -> Option<&'a DeviceActivity> {
        match self.what {
            Devices::Told(_, activity) => activity,
            Devices::Silent(_) => None,
        }
    }

    /// What it does, in one word.
    pub fn class(&self) -> GpuClass {
        match self.what {
            Devices::Told(_, activity) => activity.map_or(GpuClass::Unknown, |activity| activity.class),
            Devices::Silent(_) if self.is_all_of_node() => self.state.activity.class,
            Devices::Silent(_) if self.gpu.requested == 0 => GpuClass::Unallocated,
            Devices::Silent(_) => GpuClass::Unknown,
        }
    }

    /// Whether it stands for all accelerators of its Node, because no exporter tells of any.
    pub fn is_all_of_node(&self) -> bool {
        self.reading().is_none() && self.state.activity.devices.is_empty()
    }

    /// How many devices it stands for; `None` where that is not known.
    pub const fn count(&self) -> Option<i64> {
        match self.what {
            Devices::Told(..) => Some(1),
            Devices::Silent(count) => count,
        }
    }

    /// The model, as the exporter calls it, else as labels or the instance type do.
    pub fn model(&self) -> Option<&'a Sym> {
        self.reading().and_then(|reading| reading.model.as_ref()).or(self.gpu.model.as_ref())
    }

    /// How busy it is.
    pub fn utilization(&self) -> Option<Utilization> {
        self.reading()?.utilization
    }

    /// The pods that have been given the device, each once, by name.
    pub fn holders(&self) -> Vec<&'a ObjectKey> {
        let holders = self.reading().map_or(&[][..], |reading| &reading.holders);
        holders.iter().map(|holder| &holder.pod).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The first of them that is known.
    pub fn pod(&self, app: &'a App) -> Option<&'a PodRow> {
        self.reading()?.holders.iter().find_map(|holder| app.fleet.pods.get(&holder.pod))
    }

    /// What of its rate is for devices that do nothing. Of the whole Node that is at least what no pod requests.
    fn wasted(&self, unallocated: Option<i64>) -> Option<i64> {
        let rate = self.rate?;
        match self.class() {
            class if class.is_waste() => Some(rate),
            GpuClass::Unknown if self.is_all_of_node() => unallocated.map(|unallocated| unallocated.min(rate)),
            GpuClass::Unknown => None,
            _ => Some(0),
        }
    }
}

fn mig(reading: &DeviceReading) -> Option<u32> {
    reading.mig.as_ref().map(|mig| mig.id)
}

/// By what devices are grouped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DeviceGroupBy {
    /// By their Node.
    Node,
    /// By the Job whose pods have them.
    Job,
    /// By the namespace of the pods that have them.
    Namespace,
    /// By the NodePool of their Node.
    NodePool,
    /// By their model.
    Model,
}

impl DeviceGroupBy {
    /// Every dimension.
    pub const ALL: [Self; 5] = [Self::Node, Self::Job, Self::Namespace, Self::NodePool, Self::Model];

    /// The name of the dimension on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Job => "Job",
            Self::Namespace => "namespace",
            Self::NodePool => "NodePool",
            Self::Model => "model",
        }
    }

    /// The dimension of this name, in whichever case, or of a name that begins so.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let of =
            |fits: fn(&str, &str) -> bool| Self::ALL.into_iter().find(|one| fits(&one.name().to_lowercase(), &name));
        match name.as_str() {
            "pool" => Some(Self::NodePool),
            "ns" => Some(Self::Namespace),
            _ => of(|one, name| one == name).or_else(|| of(|one, name| one.starts_with(name))),
        }
    }
}

/// One group of devices.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DeviceGroup {
    /// What has a name and no namespace: Node, namespace, NodePool, model.
    Named(Sym),
    /// A Job, by namespace and name.
    Job(ObjectKey),
    /// Devices that pods of several namespaces or Jobs share.
    Shared,
    /// Devices without: Nodes of no NodePool, pods of no Job.
    Without,
    /// Devices that no pod has.
    Free,
    /// It is not told who has them, or of which model they are.
    Unknown,
}

/// A group of devices, and by what they are grouped.
pub type DeviceGroupKey = (DeviceGroupBy, DeviceGroup);

impl DeviceGroup {
    /// As it is called on screen, in a dimension.
    pub fn words(&self, by: DeviceGroupBy) -> String {
        match self {
            Self::Named(name) => name.to_string(),
            Self::Job(key) => key.to_string(),
            Self::Shared => format!("(several {}s)", by.name()),
            Self::Without if by == DeviceGroupBy::Job => "(pods of no Job)".to_owned(),
            Self::Without => format!("(no {})", by.name()),
            Self::Free => "(no pod)".to_owned(),
            Self::Unknown => "(not told)".to_owned(),
        }
    }

    /// The group of a device.
    pub fn of(row: &DeviceRow<'_>, by: DeviceGroupBy, app: &App) -> Self {
        let named = |name: &Sym| Self::Named(name.clone());
        match by {
            DeviceGroupBy::Node => named(&row.node.meta.key.name),
            DeviceGroupBy::NodePool => row.node.node_pool().map_or(Self::Without, named),
            DeviceGroupBy::Model => row.model().map_or(Self::Unknown, named),
            DeviceGroupBy::Namespace => Self::of_holders(row, |pod| named(&pod.namespace)),
            DeviceGroupBy::Job => Self::of_holders(row, |pod| Self::of_pod(app, pod)),
        }
    }

    /// The one group of all pods that have the device.
    fn of_holders(row: &DeviceRow<'_>, of: impl Fn(&ObjectKey) -> Self) -> Self {
        let mut groups: BTreeSet<Self> = row.holders().into_iter().map(of).collect();
        match (groups.pop_first(), groups.is_empty()) {
            (Some(group), true) => group,
            (Some(_), false) => Self::Shared,
            (None, _) if is_held(row) => Self::Unknown,
            (None, _) => Self::Free,
        }
    }

    fn of_pod(app: &App, pod: &ObjectKey) -> Self {
        let Some(pod) = app.fleet.pods.get(pod) else { return Self::Unknown };
        let job = pod
            .job_owner()
            .map(|owner| ObjectKey { namespace: pod.meta.key.namespace.clone(), name: owner.name.clone() });
        job.map_or(Self::Without, Self::Job)
    }
}

/// Whether a pod has requested the device, or one of the devices, or may have.
fn is_held(row: &DeviceRow<'_>) -> bool {
    row.activity().map_or_else(|| row.class() == GpuClass::Unknown, |activity| activity.is_held)
}

/// The sums over the devices of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeviceSums {
    /// How many devices there are, as far as that is known.
    pub devices: i64,
    /// Nodes of which it is not known how many devices they have.
    pub uncounted: u64,
    /// The mean over the devices that pods have requested; over all that tell it where none is.
    pub utilization: Option<Utilization>,
    /// Micro-dollars per hour, as far as that is known.
    pub rate: i64,
    /// Devices, or Nodes whose devices are not told one by one, without a known price.
    pub unpriced: u64,
    /// Micro-dollars per hour for devices that do nothing, as far as that is known; `None` where it is known of none.
    pub wasted: Option<i64>,
}

impl DeviceSums {
    /// Of these devices.
    pub fn of(rows: &[DeviceRow<'_>]) -> Self {
        let is_any_held = rows.iter().any(|row| row.activity().is_some_and(|activity| activity.is_held));
        let is_counted = |row: &&DeviceRow<'_>| !is_any_held || row.activity().is_some_and(|activity| activity.is_held);
        let weighted = |row: &DeviceRow<'_>| {
            let reading = row.reading()?;
            Some((reading.utilization?, weight_of_device(reading)))
        };
        let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        Self {
            devices: rows.iter().filter_map(DeviceRow::count).fold(0, i64::saturating_add),
            uncounted: count(rows.iter().filter(|row| row.count().is_none()).count()),
            utilization: Utilization::mean(rows.iter().filter(is_counted).filter_map(weighted)),
            rate: rows.iter().filter_map(|row| row.rate).fold(0, i64::saturating_add),
            unpriced: count(rows.iter().filter(|row| row.rate.is_none()).count()),
            wasted: rows.iter().filter_map(|row| row.wasted).reduce(i64::saturating_add),
        }
    }
}

/// A group with everything that it can be ordered by.
pub struct DeviceGroupRow {
    /// By what devices are grouped, and the group.
    pub key: DeviceGroupKey,
    /// Name of the group, as it stands on screen.
    pub name: String,
    /// The sums over its devices.
    pub sums: DeviceSums,
}
