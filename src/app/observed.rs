//! What was observed of starts: how images come to Nodes, and how machines come to be.

use super::App;
use crate::fleet::Sym;
use crate::insight::cold_start::{ImageStatistics, PoolStatistics};

/// The identity of a row of observations.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ObservedKey {
    /// An image on Nodes of one instance type and NodePool.
    Image {
        /// The image, as specs name it.
        image: Sym,
        /// The instance type, where it is known.
        instance_type: Option<Sym>,
        /// The NodePool, where there is one.
        pool: Option<Sym>,
    },
    /// The machines of a NodePool.
    NodePool(Sym),
}

impl ObservedKey {
    /// Of the sums of an image.
    pub fn of_image(image: &ImageStatistics) -> Self {
        let ImageStatistics { image, instance_type, pool, .. } = image;
        Self::Image { image: image.clone(), instance_type: instance_type.clone(), pool: pool.clone() }
    }
}

/// The sums of an image on Nodes of one kind, where it was observed there.
pub fn find_image<'a>(app: &'a App, key: &ObservedKey) -> Option<&'a ImageStatistics> {
    let ObservedKey::Image { image, instance_type, pool } = key else { return None };
    let images = &app.insights.starts.statistics().images;
    let wanted = (image, instance_type, pool);
    // They stand in this order.
    let at = images.binary_search_by(|one| (&one.image, &one.instance_type, &one.pool).cmp(&wanted)).ok()?;
    images.get(at)
}

/// The sums over the machines of a NodePool, where some were observed.
pub fn find_pool<'a>(app: &'a App, key: &ObservedKey) -> Option<&'a PoolStatistics> {
    let ObservedKey::NodePool(name) = key else { return None };
    app.insights.starts.statistics().pools.iter().find(|pool| pool.pool == *name)
}
