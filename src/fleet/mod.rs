//! The Fleet: one row type per kind, identities, changes, and the store with its indices.

mod delta;
mod demand;
mod dra;
mod event;
mod gang;
mod gpu;
mod gpu_history;
mod health;
mod job;
mod key;
mod kind;
mod kind_table;
#[cfg(test)]
mod laws;
mod log;
mod loop_state;
mod node;
mod node_claim;
mod node_pool;
mod other;
mod placement;
mod pod;
mod price;
mod resources;
mod rights;
mod service;
mod spot_history;
mod spot_market;
mod start;
mod start_event;
mod start_index;
mod store;
mod sym;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod usage;
mod write;

pub use delta::{Change, Delta, Epoch, KindRows, kinds};
pub use demand::{Demand, PriceDemand, RegionDemand};
pub use dra::*;
pub use event::{EVENT_CAPACITY, EventClass, EventObject, EventRow, EventTable, EventType, INSUFFICIENT_CAPACITY};
pub use gang::{GangKey, GangRow, GangSystem};
pub use gpu::{
    DeviceHolder, DeviceReading, Exporter, ExporterKind, GpuAnswer, GpuDemand, GpuDevices, GpuFailure, GpuReadings,
    MigInstance, NodeAnswers, NodeDevices, ToldBy, Utilization,
};
pub use gpu_history::{DeviceSeconds, HistoryAnswer, HistoryPeriod, HistoryQuestion, HistoryTold};
pub use health::{
    ClusterFacts, ConnectionError, Health, HealthState, KarpenterApi, Report, SourceGroup, SourceId, Sources,
};
pub use job::{CronJobRow, DisruptedPods, JobRow};
pub use key::{Key, Meta, ObjectKey, Owner, ResourceVersion, Stamps, Uid};
pub use kind::{Content, Former, Kind, KindSpec, Need, Scope, Start};
pub(crate) use kind_table::kind_table;
pub use log::{ContainerState, LOG_LINE_BYTES, LOG_TAIL_LINES, LogLine, LogQuestion, LogReport, LogRun, PodContainer};
pub use loop_state::LoopState;
pub use node::{CapacityType, NodeRow, Taint};
pub use node_claim::NodeClaimRow;
pub use node_pool::{Budget, ConsolidateAfter, NodePoolRow, NodeTemplate, node_pool_of};
pub use other::*;
pub use placement::{HostPort, NodeOperator, NodeRequirement, Placement, Toleration};
pub use pod::{Eviction, PodPhase, PodRow, RareAnnotations};
pub use price::{
    Accelerator, Adjustment, Discount, FargateRates, InstanceType, NodeRate, PartRates, Price, PriceChange, PriceKey,
    PriceList, PriceRule, Prices, RuleMatch, RuleRate, UserPrices,
};
pub use resources::{Condition, GpuCount, GpuFraction, GpuPart, NodeClassRef, Resources, Status, is_gpu_resource};
pub use rights::{Right, Rights};
pub use service::ServiceAddress;
pub use spot_history::{SPOT_HISTORY_SECONDS, SpotHistory, SpotPlace};
pub use spot_market::{
    ADVISOR_MAX_AGE_DAYS, Advisor, AdvisorRange, PlacementConfiguration, PlacementPlace, PlacementScores, SpotMarket,
    SpotMarketChange,
};
pub use start::{
    CLOCK_SKEW_SECONDS, ContainerRole, ContainerStart, EventSummary, Gates, Nomination, PodStart, PullFailure, Trouble,
    TroubleKind, Waiting,
};
pub use start_event::{ClaimEvent, Pull, Refusal, RefusalCause, StartEvent, Transition, back_off, is_karpenter};
pub use start_index::{CLOSED_STARTS, LAUNCH_TIMEOUT_SECONDS, Launch, REGISTRATION_TIMEOUT_SECONDS};
pub use store::{Changed, Fleet};
pub use sym::{Interner, Labels, Sym};
pub use table::{Row, Slot, Table};
pub use usage::{NodeUsage, Usage};
pub use write::{ChangedValue, DO_NOT_DISRUPT, ObjectChange, PodEviction, ValueChange, WriteOutcome};
