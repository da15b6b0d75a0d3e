//! Which parts a bed has.

use std::collections::BTreeMap;

use super::components::Component;
use super::go::Karpenter;

/// What to start, and with which changes.
#[derive(Debug, Clone)]
pub struct BedOptions {
    pub(super) components: Vec<Component>,
    pub(super) definitions: Definitions,
    pub(super) karpenter: Karpenter,
    arguments: BTreeMap<Component, Vec<String>>,
    environment: BTreeMap<Component, BTreeMap<String, String>>,
}

/// Which CustomResourceDefinitions a bed begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Definitions {
    /// Those of Karpenter, and a KWOKNodeClass `default`.
    Karpenter,
    /// None: a cluster that never heard of Karpenter.
    None,
}

impl BedOptions {
    /// Everything.
    pub fn full() -> Self {
        Self::of(&Component::ALL)
    }

    /// etcd and the API server alone, with Karpenter's definitions: what is written
    /// stays as it is. For loads, RBAC and protocol tests.
    pub fn api_only() -> Self {
        Self::of(&[Component::Etcd, Component::ApiServer])
    }

    /// Without one part.
    pub fn without(mut self, component: Component) -> Self {
        self.components.retain(|other| *other != component);
        self
    }

    /// Without Karpenter and its definitions.
    pub fn without_karpenter(self) -> Self {
        Self { definitions: Definitions::None, ..self.without(Component::Karpenter) }
    }

    /// With another Karpenter and its definitions.
    pub fn karpenter(self, karpenter: Karpenter) -> Self {
        Self { karpenter, ..self }
    }

    /// One more argument for a component, after the usual ones.
    pub fn argument(mut self, component: Component, argument: &str) -> Self {
        self.arguments.entry(component).or_default().push(argument.to_owned());
        self
    }

    /// One more variable for a component.
    pub fn variable(mut self, component: Component, name: &str, value: &str) -> Self {
        let variables = self.environment.entry(component).or_default();
        variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn arguments_of(&self, component: Component) -> &[String] {
        self.arguments.get(&component).map_or(&[], Vec::as_slice)
    }

    pub(super) fn environment_of(&self, component: Component) -> BTreeMap<String, String> {
        self.environment.get(&component).cloned().unwrap_or_default()
    }

    fn of(components: &[Component]) -> Self {
        Self {
            components: components.to_vec(),
            definitions: Definitions::Karpenter,
            karpenter: Karpenter::V1_14,
            arguments: BTreeMap::new(),
            environment: BTreeMap::new(),
        }
    }
}
