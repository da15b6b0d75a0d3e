//! `config.toml`, and what is in force of it.

mod effective;
mod file;
mod kind;
mod schema;
mod table;

pub use effective::{Effective, SettingOrigin};
pub use file::{Placed, Settings, parse};
pub use kind::{Kind, SettingValue};
pub use schema::{ColumnNames, schema};
pub use table::{Applies, SETTINGS, Setting};

/// The settings one by one.
pub mod setting {
    pub use super::table::{
        AWS, COLUMNS_COST, COLUMNS_EVENTS, COLUMNS_FLEET, COLUMNS_JOBS, COLUMNS_PODS, COLUMNS_POOLS, COLUMNS_STARTS,
        GPU_BUSY_PERCENT, GPU_DWELL, GPU_GRACE, GPU_PARKED_MEMORY_PERCENT, JOBS_CHECKPOINT_ANNOTATION,
        KARPENTER_VERSION, KEYMAP, MOUSE, NAMESPACES, PRICES, PROMETHEUS_ENABLED, PROMETHEUS_SERVICE, READONLY,
        SPOT_ADVISOR, SPOT_HALF_LIFE, SPOT_HIGH_RISK, SPOT_LEAST_COVERAGE_PERCENT, SPOT_PLACEMENT_CONFIGURATIONS,
        SPOT_PLACEMENT_SCORES, THEME,
    };
}
