//! Value types with their grammar, independent of Kubernetes objects.

pub mod cron;
pub mod duration;
pub mod exposition;
pub mod glob;
pub mod money;
pub mod quantity;
pub mod reading;
pub mod selector;
pub mod spelling;
pub mod text;
pub mod time;
pub mod window;

pub use duration::Lifetime;
pub use reading::Reading;
pub use selector::Selector;
pub use time::{Second, Time};
pub use window::Window;
