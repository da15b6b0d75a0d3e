//! What one test owns in a shared bed, and how it is taken away again.

use std::fmt;
use std::ops::Deref;

use serde_json::json;

use super::failure::Result;
use super::gpu_nodes::GpuNodeSpec;
use super::manifests::NodePoolSpec;
use super::running::Bed;

/// A namespace that goes away, with everything in it, when this is dropped. Derefs to its name.
pub struct Namespace<'a> {
    bed: &'a Bed,
    name: String,
}

impl<'a> Namespace<'a> {
    pub(super) fn create(bed: &'a Bed, name: &str) -> Result<Self> {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        bed.api().create("/api/v1/namespaces", &object)?;
        Ok(Self { bed, name: name.to_owned() })
    }

    /// Path of the core API in this namespace: `/api/v1/namespaces/NAME/` and this.
    pub fn core(&self, rest: &str) -> String {
        format!("/api/v1/namespaces/{}/{rest}", self.name)
    }

    /// Path of the batch API in this namespace.
    pub fn batch(&self, rest: &str) -> String {
        format!("/apis/batch/v1/namespaces/{}/{rest}", self.name)
    }
}

impl Deref for Namespace<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Namespace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Drop for Namespace<'_> {
    /// First what makes pods again and what forbids to end them, then the pods without
    /// grace, or else a draining node waits for them. Errors are ignored: a test may
    /// have stopped the API server for good.
    fn drop(&mut self) {
        let api = self.bed.api();
        let policy = format!("/apis/policy/v1/namespaces/{}/poddisruptionbudgets", self.name);
        for path in [
            policy,
            format!("/apis/apps/v1/namespaces/{}/daemonsets?propagationPolicy=Background", self.name),
            self.batch("cronjobs"),
            self.batch("jobs?propagationPolicy=Background"),
            self.core("pods?gracePeriodSeconds=0"),
            format!("/api/v1/namespaces/{}", self.name),
        ] {
            let _ = api.delete(&path);
        }
    }
}

/// A NodePool that goes away, with its claims and nodes, when this is dropped. Derefs to its name.
pub struct NodePool<'a> {
    bed: &'a Bed,
    spec: NodePoolSpec,
}

impl<'a> NodePool<'a> {
    pub(super) fn create(bed: &'a Bed, spec: NodePoolSpec) -> Result<Self> {
        bed.apply(&spec.build())?;
        Ok(Self { bed, spec })
    }

    /// API path of the object.
    pub fn path(&self) -> String {
        format!("/apis/karpenter.sh/v1/nodepools/{}", self.spec.name())
    }

    /// Changes the pool: `pool.update(|spec| spec.budget(json!({"nodes": "1"})))`.
    pub fn update(&mut self, change: impl FnOnce(NodePoolSpec) -> NodePoolSpec) -> Result<()> {
        self.spec = change(self.spec.clone());
        self.bed.apply(&self.spec.build())
    }

    /// Its NodeClaims now.
    pub fn claims(&self) -> Result<Vec<serde_json::Value>> {
        self.labelled("/apis/karpenter.sh/v1/nodeclaims")
    }

    /// Its Nodes now.
    pub fn nodes(&self) -> Result<Vec<serde_json::Value>> {
        self.labelled("/api/v1/nodes")
    }

    fn labelled(&self, path: &str) -> Result<Vec<serde_json::Value>> {
        let selector = format!("labelSelector=karpenter.sh%2Fnodepool%3D{}", self.spec.name());
        self.bed.api().list(&format!("{path}?{selector}"))
    }
}

impl Deref for NodePool<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.spec.name()
    }
}

impl Drop for NodePool<'_> {
    /// The garbage collector then deletes the claims, and Karpenter their nodes.
    fn drop(&mut self) {
        let _ = self.bed.api().delete(&self.path());
    }
}

/// A Node made by hand that goes away when this is dropped. Derefs to its name.
pub struct GpuNode<'a> {
    bed: &'a Bed,
    name: String,
}

impl<'a> GpuNode<'a> {
    pub(super) fn create(bed: &'a Bed, spec: &GpuNodeSpec) -> Result<Self> {
        bed.api().create("/api/v1/nodes", &spec.build())?;
        Ok(Self { bed, name: spec.name().to_owned() })
    }

    /// API path of the object.
    pub fn path(&self) -> String {
        format!("/api/v1/nodes/{}", self.name)
    }
}

impl Deref for GpuNode<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl Drop for GpuNode<'_> {
    fn drop(&mut self) {
        let _ = self.bed.api().delete(&self.path());
    }
}
