//! The instance types that the simulated cloud sells, from the table beside this file.

use serde_json::{Map, Value, json};

use super::failure::{Context, Result};

const TABLE: &str = include_str!("instance_types.csv");

/// The zones in which every type is sold.
pub const ZONES: [&str; 3] = ["us-east-1a", "us-east-1b", "us-east-1c"];

/// Spot costs these shares of on-demand, in the order of [`ZONES`]. They differ so
/// that the cheapest spot offering of a type is always in the first zone: Karpenter
/// draws among equal prices at random. On-demand costs the same in all zones, as in EC2.
pub const SPOT_SHARES: [f64; 3] = [0.40, 0.41, 0.42];

/// One row of the table.
struct InstanceType<'a> {
    name: &'a str,
    architecture: &'a str,
    vcpus: &'a str,
    memory_mib: &'a str,
    usd_per_hour: f64,
    accelerator: Option<Accelerator<'a>>,
}

struct Accelerator<'a> {
    resource: &'a str,
    count: &'a str,
    name: &'a str,
    /// Of all devices together.
    memory_mib: u64,
}

/// The JSON array that Karpenter's KWOK provider reads.
pub fn for_karpenter() -> Result<Value> {
    let types: Vec<Value> = rows().map(|row| Ok(entry(&parse(row)?))).collect::<Result<_>>()?;
    Ok(Value::Array(types))
}

/// On-demand price of a type, US dollars per hour.
pub fn usd_per_hour(name: &str) -> Result<f64> {
    let row = rows().find(|row| row.split(',').next() == Some(name));
    Ok(parse(row.context(format!("no instance type {name}"))?)?.usd_per_hour)
}

/// What the Node of a machine says that is on demand in the first zone.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Labels that tell of the instance type and its price, as Karpenter and its KWOK provider write them.
    pub labels: Map<String, Value>,
    /// Quantities without accelerators.
    pub resources: Value,
    /// Accelerators.
    pub devices: u32,
    /// Their model.
    pub model: &'static str,
}

/// The machine of a type that has accelerators.
pub fn machine(name: &str) -> Result<Machine> {
    let row = rows().find(|row| row.split(',').next() == Some(name)).context(format!("no instance type {name}"))?;
    let row = parse(row)?;
    let accelerator = row.accelerator.as_ref().context(format!("{name} has no accelerators"))?;
    let requirements = &offerings(&row)[0]["Requirements"];
    let pairs = requirements.as_array().into_iter().flatten();
    let mut labels: Map<String, Value> =
        pairs.filter_map(|pair| Some((pair["key"].as_str()?.to_owned(), pair["values"][0].clone()))).collect();
    for (key, value) in [
        ("node.kubernetes.io/instance-type", row.name.to_owned()),
        ("kubernetes.io/arch", row.architecture.to_owned()),
        ("kubernetes.io/os", "linux".to_owned()),
        ("eks-node-viewer/instance-price", row.usd_per_hour.to_string()),
    ] {
        labels.insert(key.to_owned(), json!(value));
    }
    let devices = accelerator.count.parse().context(name)?;
    Ok(Machine { labels, resources: quantities(&row), devices, model: accelerator.name })
}

/// The rows under the comments and the heading.
fn rows() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.starts_with('#')).skip(1)
}

fn parse(row: &str) -> Result<InstanceType<'_>> {
    let fields: Vec<&str> = row.split(',').collect();
    let [name, architecture, vcpus, memory_mib, price, resource, count, model, device_memory] = fields[..] else {
        return None.context(format!("nine columns expected in {row:?}"));
    };
    let accelerator = (!resource.is_empty())
        .then(|| -> Result<_> {
            let memory_mib = device_memory.parse().context(row)?;
            Ok(Accelerator { resource, count, name: model, memory_mib })
        })
        .transpose()?;
    let usd_per_hour = price.parse().context(row)?;
    Ok(InstanceType { name, architecture, vcpus, memory_mib, usd_per_hour, accelerator })
}

fn entry(row: &InstanceType<'_>) -> Value {
    let mut resources = quantities(row);
    if let Some(accelerator) = &row.accelerator {
        resources[accelerator.resource] = json!(accelerator.count);
    }
    json!({
        "name": row.name,
        "architecture": row.architecture,
        "operatingSystems": ["linux"],
        "resources": resources,
        "offerings": offerings(row),
    })
}

/// What it has beside accelerators.
fn quantities(row: &InstanceType<'_>) -> Value {
    json!({
        "cpu": row.vcpus,
        "memory": format!("{}Mi", row.memory_mib),
        "ephemeral-storage": "200Gi",
        "pods": "110",
    })
}

/// One offering per zone and capacity type; field names as the provider wants them.
fn offerings(row: &InstanceType<'_>) -> Vec<Value> {
    let mut offerings = Vec::new();
    for (zone, share) in ZONES.iter().zip(SPOT_SHARES) {
        for (capacity_type, factor) in [("on-demand", 1.0), ("spot", share)] {
            // Whole micro-dollars, as EC2 publishes them.
            let price = (row.usd_per_hour * factor * 1e6).round() / 1e6;
            let mut requirements = vec![
                exactly("karpenter.sh/capacity-type", capacity_type),
                exactly("topology.kubernetes.io/zone", zone),
                exactly("topology.kubernetes.io/region", "us-east-1"),
            ];
            requirements.extend(accelerator_labels(row));
            offerings.push(json!({"Price": price, "Available": true, "Requirements": requirements}));
        }
    }
    offerings
}

/// What Karpenter's AWS provider says of GPUs. The KWOK provider copies the
/// requirements of an offering to the Node's labels.
fn accelerator_labels(row: &InstanceType<'_>) -> Vec<Value> {
    let Some(accelerator) = &row.accelerator else {
        return Vec::new();
    };
    let kind = match accelerator.resource {
        "nvidia.com/gpu" => ("gpu", "nvidia"),
        "amd.com/gpu" => ("gpu", "amd"),
        "habana.ai/gaudi" => ("gpu", "habana"),
        _ => ("accelerator", "aws"),
    };
    let count: u64 = accelerator.count.parse().unwrap_or(1);
    let name = accelerator.name.to_lowercase().replace(' ', "-");
    let mut labels = vec![
        exactly(&format!("karpenter.k8s.aws/instance-{}-name", kind.0), &name),
        exactly(&format!("karpenter.k8s.aws/instance-{}-manufacturer", kind.0), kind.1),
        exactly(&format!("karpenter.k8s.aws/instance-{}-count", kind.0), accelerator.count),
    ];
    if kind.0 == "gpu" {
        // Of one device.
        let memory = (accelerator.memory_mib / count.max(1)).to_string();
        labels.push(exactly("karpenter.k8s.aws/instance-gpu-memory", &memory));
    }
    labels
}

fn exactly(key: &str, value: &str) -> Value {
    json!({"key": key, "operator": "In", "values": [value]})
}
