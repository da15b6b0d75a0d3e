//! What dcgm-exporter says: the metrics of its default list that tell how busy a device
//! is, with the labels of its release 4.5.3-4.8.2.

use std::fmt::Write as _;

/// One device, or one MIG instance of it.
#[derive(Debug, Clone)]
pub struct DcgmDevice {
    /// Number of the device on its Node.
    pub index: u32,
    /// The number in this is the device's identity; pages of different Nodes need different ones.
    pub serial: u32,
    /// Model as NVML names it.
    pub model: String,
    /// How busy its compute engine is, in percent.
    pub busy_percent: u32,
    /// Memory in use, MiB.
    pub memory_used_mib: u64,
    /// All of its memory, MiB.
    pub memory_total_mib: u64,
    /// Namespace and name of the pod that holds it.
    pub pod: Option<(String, String)>,
    /// Profile and number of the MIG instance.
    pub mig: Option<(String, u32)>,
    /// The last XID error, 0 for none.
    pub xid: u32,
}

impl DcgmDevice {
    /// An A10G that nobody uses.
    pub fn new(index: u32, serial: u32) -> Self {
        Self {
            index,
            serial,
            model: "NVIDIA A10G".to_owned(),
            busy_percent: 0,
            memory_used_mib: 0,
            memory_total_mib: 22_888,
            pod: None,
            mig: None,
            xid: 0,
        }
    }

    /// So busy, in percent.
    pub fn busy(self, percent: u32) -> Self {
        Self { busy_percent: percent, ..self }
    }

    /// With this much memory in use, MiB.
    pub fn memory(self, used_mib: u64) -> Self {
        Self { memory_used_mib: used_mib, ..self }
    }

    /// Held by a pod.
    pub fn held_by(self, namespace: &str, pod: &str) -> Self {
        Self { pod: Some((namespace.to_owned(), pod.to_owned())), ..self }
    }

    /// A MIG instance of this profile and number instead of the whole device.
    pub fn instance(self, profile: &str, number: u32) -> Self {
        Self { mig: Some((profile.to_owned(), number)), ..self }
    }

    /// With this XID error.
    pub fn xid(self, code: u32) -> Self {
        Self { xid: code, ..self }
    }

    fn uuid(&self) -> String {
        format!("GPU-{:08x}-0000-4000-8000-{:012x}", self.serial, self.index)
    }

    fn labels(&self, node: &str) -> String {
        let Self { index, model, .. } = self;
        let uuid = self.uuid();
        let mut labels = format!(
            "gpu=\"{index}\",UUID=\"{uuid}\",pci_bus_id=\"00000000:{:02X}:00.0\",device=\"nvidia{index}\",modelName=\"{model}\"",
            0x1b + index
        );
        if let Some((profile, number)) = &self.mig {
            let _ = write!(labels, ",GPU_I_PROFILE=\"{profile}\",GPU_I_ID=\"{number}\"");
        }
        let _ = write!(labels, ",Hostname=\"{node}\",DCGM_FI_DRIVER_VERSION=\"580.95.05\"");
        if let Some((namespace, pod)) = &self.pod {
            let _ = write!(labels, ",container=\"main\",namespace=\"{namespace}\",pod=\"{pod}\"");
        }
        labels
    }
}

/// A gauge: its name, its help, and its value for a device.
type Gauge = (&'static str, &'static str, fn(&DcgmDevice) -> Option<String>);

const GAUGES: [Gauge; 9] = [
    ("DCGM_FI_DEV_SM_CLOCK", "SM clock frequency (in MHz).", |device| {
        Some(if device.busy_percent > 0 { "1710" } else { "210" }.to_owned())
    }),
    ("DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C).", |device| Some((30 + device.busy_percent / 3).to_string())),
    ("DCGM_FI_DEV_POWER_USAGE", "Power draw (in W).", |device| {
        Some(format!("{}.000000", 25 + 2 * device.busy_percent))
    }),
    // NVML does not tell it of instances.
    ("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", |device| {
        device.mig.is_none().then(|| device.busy_percent.to_string())
    }),
    ("DCGM_FI_DEV_XID_ERRORS", "Value of the last XID error encountered.", |device| Some(device.xid.to_string())),
    ("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", |device| {
        Some(device.memory_total_mib.saturating_sub(device.memory_used_mib).to_string())
    }),
    ("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", |device| Some(device.memory_used_mib.to_string())),
    ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "Ratio of time the graphics engine is active.", |device| {
        Some(format!("{}.{:02}0000", device.busy_percent / 100, device.busy_percent % 100))
    }),
    ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "Ratio of cycles the tensor (HMMA) pipe is active.", |device| {
        Some(format!("0.{:02}0000", device.busy_percent / 2))
    }),
];

/// The page of the exporter on this Node.
pub fn dcgm_page(node: &str, devices: &[DcgmDevice]) -> String {
    let mut page = String::new();
    for (name, help, value) in GAUGES {
        let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} gauge");
        for device in devices {
            if let Some(value) = value(device) {
                let _ = writeln!(page, "{name}{{{}}} {value}", device.labels(node));
            }
        }
    }
    page
}
