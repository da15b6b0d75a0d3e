//! resource.k8s.io: ResourceSlice, ResourceClaim, DeviceClass.
//!
//! The versions differ in what stands around the same fields: v1beta1 has those of a device in `basic`, v1beta1 those of a
//! request beside its name, v1 and v1beta2 in `exactly`. Each is read wherever it stands.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::meta::SlimMeta;
use super::text::{Text, bounded_name, or_default};
use super::{DecodeError, Project};
use crate::fleet::kinds::{DeviceClasses, ResourceClaims, ResourceSlices};
use crate::fleet::{
    ClaimedDevice, ClassRequest, Consumer, DeviceClassRow, DeviceKind, Interner, PoolKey, ResourceClaimRow,
    ResourceSliceRow, SliceDevice, Sym, Uid, is_accelerator_driver,
};

/// One ResourceSlice, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimResourceSlice<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: SliceSpec<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SliceSpec<'a> {
    #[serde(borrow)]
    driver: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pool: Pool<'a>,
    #[serde(borrow)]
    node_name: Text<'a>,
    #[serde(deserialize_with = "or_default")]
    shared_counters: Vec<IgnoredAny>,
    #[serde(borrow, deserialize_with = "or_default")]
    devices: Vec<SlimDevice<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Pool<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    generation: i64,
    resource_slice_count: i64,
}

/// A device; in v1beta1 one with nothing but its name, and all else in `basic`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SlimDevice<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    attributes: Attributes<'a>,
    #[serde(borrow)]
    node_name: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    taints: Vec<DeviceTaint<'a>>,
    #[serde(borrow)]
    basic: Option<Box<SlimDevice<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DeviceTaint<'a> {
    #[serde(borrow)]
    effect: Text<'a>,
}

/// The attributes that are read: texts under names of the driver itself, and the address on the PCI bus.
#[derive(Default)]
struct Attributes<'a> {
    kind: Text<'a>,
    uuid: Text<'a>,
    parent_uuid: Text<'a>,
    profile: Text<'a>,
    product_name: Text<'a>,
    pci_bus_id: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Attribute<'a> {
    #[serde(borrow)]
    string: Text<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Attributes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AttributesVisitor)
    }
}

struct AttributesVisitor;

impl<'de> Visitor<'de> for AttributesVisitor {
    type Value = Attributes<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut kept = Attributes::default();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            let field = match &*key {
                "type" => &mut kept.kind,
                "uuid" => &mut kept.uuid,
                "parentUUID" => &mut kept.parent_uuid,
                "profile" => &mut kept.profile,
                "productName" => &mut kept.product_name,
                "resource.kubernetes.io/pciBusID" => &mut kept.pci_bus_id,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = map.next_value::<Attribute<'de>>()?.string;
        }
        Ok(kept)
    }
}

fn sym(text: &str, interner: &mut Interner) -> Sym {
    interner.sym(&bounded_name(text))
}

fn maybe_sym(text: &Text<'_>, interner: &mut Interner) -> Option<Sym> {
    text.some().map(|text| sym(text, interner))
}

impl SlimDevice<'_> {
    /// `None` for a device that is no accelerator.
    fn device(&self, driver: &str, interner: &mut Interner) -> Option<SliceDevice> {
        let described = self.basic.as_deref().unwrap_or(self);
        let attributes = &described.attributes;
        let kind = if is_accelerator_driver(driver) {
            DeviceKind::of_accelerator(&attributes.kind)
        } else {
            DeviceKind::of_any_driver(&attributes.kind)?
        };
        let uuid = if kind == DeviceKind::Part { &attributes.parent_uuid } else { &attributes.uuid };
        let board = if uuid.is_empty() { &attributes.pci_bus_id } else { uuid };
        Some(SliceDevice {
            name: sym(&self.name, interner),
            kind,
            board: maybe_sym(board, interner),
            profile: maybe_sym(&attributes.profile, interner),
            model: maybe_sym(&attributes.product_name, interner),
            node: maybe_sym(&described.node_name, interner),
            is_tainted: described.taints.iter().any(|taint| matches!(&*taint.effect, "NoSchedule" | "NoExecute")),
        })
    }
}

impl Project for ResourceSlices {
    type Slim<'a> = SlimResourceSlice<'a>;

    fn row(slim: &SlimResourceSlice<'_>, interner: &mut Interner) -> Result<ResourceSliceRow, DecodeError> {
        let spec = &slim.spec;
        Ok(ResourceSliceRow {
            meta: slim.metadata.meta(interner)?,
            pool: PoolKey { driver: sym(&spec.driver, interner), pool: sym(&spec.pool.name, interner) },
            generation: spec.pool.generation,
            slice_count: spec.pool.resource_slice_count,
            node: maybe_sym(&spec.node_name, interner),
            has_shared_counters: !spec.shared_counters.is_empty(),
            devices: spec.devices.iter().filter_map(|device| device.device(&spec.driver, interner)).collect(),
        })
    }
}

/// One ResourceClaim, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimResourceClaim<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: ClaimSpec<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: ClaimStatus<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ClaimSpec<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    devices: WantedDevices<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WantedDevices<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    requests: Vec<SlimRequest<'a>>,
}

/// A request, or one of its alternatives.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SlimRequest<'a> {
    #[serde(borrow)]
    device_class_name: Text<'a>,
    #[serde(borrow)]
    allocation_mode: Text<'a>,
    count: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    admin_access: bool,
    #[serde(borrow)]
    exactly: Option<Box<SlimRequest<'a>>>,
    #[serde(borrow, deserialize_with = "or_default")]
    first_available: Vec<SlimRequest<'a>>,
}

impl SlimRequest<'_> {
    /// `None` for one for administration.
    fn request(&self, interner: &mut Interner) -> Option<ClassRequest> {
        let wanted = self.exactly.as_deref().or(self.first_available.first()).unwrap_or(self);
        let count = if &*wanted.allocation_mode == "All" { 0 } else { wanted.count.unwrap_or(1) };
        (!wanted.admin_access).then(|| ClassRequest { class: sym(&wanted.device_class_name, interner), count })
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ClaimStatus<'a> {
    #[serde(borrow)]
    allocation: Option<Allocation<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    reserved_for: Vec<SlimConsumer<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Allocation<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    devices: AllocatedDevices<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AllocatedDevices<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    results: Vec<SlimResult<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SlimResult<'a> {
    #[serde(borrow)]
    driver: Text<'a>,
    #[serde(borrow)]
    pool: Text<'a>,
    #[serde(borrow)]
    device: Text<'a>,
    #[serde(deserialize_with = "or_default")]
    admin_access: bool,
    #[serde(borrow, rename = "shareID")]
    share_id: Text<'a>,
}

impl SlimResult<'_> {
    fn device(&self, interner: &mut Interner) -> ClaimedDevice {
        ClaimedDevice {
            pool: PoolKey { driver: sym(&self.driver, interner), pool: sym(&self.pool, interner) },
            device: sym(&self.device, interner),
            share: maybe_sym(&self.share_id, interner),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SlimConsumer<'a> {
    #[serde(borrow)]
    resource: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    uid: Text<'a>,
}

impl SlimConsumer<'_> {
    fn is_pod(&self) -> bool {
        &*self.resource == "pods"
    }

    fn consumer(&self) -> Consumer {
        Consumer { name: Sym::new(&bounded_name(&self.name)), uid: Uid::parse(&bounded_name(&self.uid)) }
    }
}

impl Project for ResourceClaims {
    type Slim<'a> = SlimResourceClaim<'a>;

    fn row(slim: &SlimResourceClaim<'_>, interner: &mut Interner) -> Result<ResourceClaimRow, DecodeError> {
        let (meta, owner) = (slim.metadata.meta(interner)?, slim.metadata.owner(interner));
        let wanted = if slim.status.allocation.is_none() { &slim.spec.devices.requests[..] } else { &[] };
        let results = slim.status.allocation.iter().flat_map(|allocation| &allocation.devices.results);
        let consumers = slim.status.reserved_for.iter().filter(|one| one.is_pod());
        Ok(ResourceClaimRow {
            meta,
            owner,
            requests: wanted.iter().filter_map(|request| request.request(interner)).collect(),
            devices: results.filter(|result| !result.admin_access).map(|result| result.device(interner)).collect(),
            reserved_for: consumers.map(SlimConsumer::consumer).collect(),
        })
    }
}

/// One DeviceClass, as far as it is read.
#[derive(Deserialize)]
pub(super) struct SlimDeviceClass<'a> {
    #[serde(borrow)]
    metadata: SlimMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: DeviceClassSpec<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct DeviceClassSpec<'a> {
    #[serde(borrow)]
    extended_resource_name: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    selectors: Vec<DeviceSelector<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DeviceSelector<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    cel: Cel<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cel<'a> {
    #[serde(borrow)]
    expression: Text<'a>,
}

impl Project for DeviceClasses {
    type Slim<'a> = SlimDeviceClass<'a>;

    fn row(slim: &SlimDeviceClass<'_>, interner: &mut Interner) -> Result<DeviceClassRow, DecodeError> {
        let selectors = slim.spec.selectors.iter().map(|selector| &*selector.cel.expression);
        let is_accelerator = DeviceClassRow::tells_accelerators(slim.spec.extended_resource_name.some(), selectors);
        Ok(DeviceClassRow { meta: slim.metadata.meta(interner)?, is_accelerator })
    }
}
