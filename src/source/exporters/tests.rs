//! Pages in every dialect, and pages that are none.

use proptest::prelude::*;

use super::*;
use crate::fleet::{DeviceReading, GpuReadings, ObjectKey, Sym, Utilization};

const MEBIBYTE: u64 = 1 << 20;

/// A device on one line: `index uuid#instance profile | model | utilization | memory | power temperature XID | holders`.
fn line(device: &DeviceReading) -> String {
    let text = |value: Option<String>| value.unwrap_or_else(|| "?".to_owned());
    let mig = device.mig.as_ref().map_or(String::new(), |mig| format!("#{} {}", mig.id, mig.profile));
    let mebibytes = |bytes: Option<u64>| text(bytes.map(|bytes| (bytes / MEBIBYTE).to_string()));
    let holders: Vec<String> = device.holders.iter().map(holder).collect();
    [
        format!("{} {}{mig}", text(device.index.map(|index| index.to_string())), device.uuid),
        text(device.model.as_ref().map(ToString::to_string)),
        text(device.utilization.map(|busy| format!("{} %", f64::from(busy.millionths()) / 10_000.0))),
        format!("{}/{} MiB", mebibytes(device.memory_used_bytes), mebibytes(device.memory_total_bytes)),
        format!(
            "{} mW {} °C XID {}",
            text(device.power_milliwatts.map(|power| power.to_string())),
            text(device.temperature_celsius.map(|degrees| degrees.to_string())),
            text(device.xid.map(|xid| xid.to_string()))
        ),
        holders.join(", "),
    ]
    .join(" | ")
}

fn holder(holder: &crate::fleet::DeviceHolder) -> String {
    holder.container.as_ref().map_or(holder.pod.to_string(), |container| format!("{}:{container}", holder.pod))
}

fn lines(kind: ExporterKind, page: &str) -> Vec<String> {
    match read(kind, page.as_bytes()) {
        Ok(read) => read.devices.iter().map(line).collect(),
        Err(unreadable) => vec![unreadable.to_string()],
    }
}

/// A page with these lines.
fn page<T>(of: &[T], line: impl Fn(&T) -> String) -> String {
    of.iter().map(line).collect::<Vec<_>>().concat()
}

#[test]
fn pages_of_every_dialect_are_read() {
    for (kind, page, expected) in [
        (
            ExporterKind::Dcgm,
            include_str!("fixtures/dcgm.prom"),
            &[
                "0 GPU-6d4f1c1e-0a52-9f3b-7c1d-2f0c9a8e4b11 | NVIDIA A100-SXM4-80GB | 91.4732 % | 71154/81920 MiB | \
                 389472 mW 61 °C XID 0 | ml/train-llm-0:trainer",
                "1 GPU-b3c0a9d2-51e7-4a6f-8b90-0d1e2f3a4b5c | NVIDIA A100-SXM4-80GB | 0 % | 2/81920 MiB | \
                 56103 mW 29 °C XID 79 | ",
            ][..],
        ),
        // One entry for each instance, none for their board, whose utilization is not theirs.
        (
            ExporterKind::Dcgm,
            include_str!("fixtures/dcgm_mig.prom"),
            &[
                "0 GPU-6d4f1c1e-0a52-9f3b-7c1d-2f0c9a8e4b11#1 3g.40gb | NVIDIA A100-SXM4-80GB | 73 % | \
                 11000/40000 MiB | 151200 mW 44 °C XID 0 | research/notebook-7c9:jupyter",
                "0 GPU-6d4f1c1e-0a52-9f3b-7c1d-2f0c9a8e4b11#5 1g.10gb | NVIDIA A100-SXM4-80GB | 0 % | \
                 15/9715 MiB | 151200 mW 44 °C XID 0 | ",
                "1 GPU-b3c0a9d2-51e7-4a6f-8b90-0d1e2f3a4b5c | NVIDIA A100-SXM4-80GB | 0 % | 2/80996 MiB | \
                 58000 mW 31 °C XID 0 | ",
            ],
        ),
        // Several series of one GPU are one device, with the value of one of them.
        (
            ExporterKind::Dcgm,
            include_str!("fixtures/dcgm_shared.prom"),
            &["0 GPU-6d4f1c1e-0a52-9f3b-7c1d-2f0c9a8e4b11 | NVIDIA A100-SXM4-80GB | 64 % | 61000/81000 MiB | \
                 ? mW ? °C XID ? | web/serve-a-5d8f:server, web/serve-b-66cd:server"],
        ),
        (
            ExporterKind::Dcgm,
            include_str!("fixtures/dcgm_old.prom"),
            &["0 GPU-11111111-2222-3333-4444-555555555555 | ? | 12 % | 100/15109 MiB | 26500 mW 33 °C XID 31 | \
                 batch/job-x:main"],
        ),
        (
            ExporterKind::Dcgm,
            include_str!("fixtures/dcgm_exported.prom"),
            &[
                "0 GPU-6d4f1c1e-0a52-9f3b-7c1d-2f0c9a8e4b11 | NVIDIA A100-SXM4-80GB | 99 % | ?/? MiB | \
                 ? mW ? °C XID ? | ml/train-llm-0:trainer",
                "1 GPU-b3c0a9d2-51e7-4a6f-8b90-0d1e2f3a4b5c | NVIDIA A100-SXM4-80GB | 0 % | ?/? MiB | \
                 ? mW ? °C XID ? | ",
            ],
        ),
        (
            ExporterKind::Amd,
            include_str!("fixtures/amd.prom"),
            &[
                "0 ccff74a1-0000-1000-80e0-c6d49f5b0d86 | AMD Instinct MI300X OAM | 83 % | 180011/196592 MiB | \
                 642000 mW 71 °C XID ? | llm/vllm-0:vllm",
                "1 c3ff74a1-0000-1000-80ff-88426fc31c9e | AMD Instinct MI300X OAM | 0 % | 297/196592 MiB | \
                 138000 mW 43 °C XID ? | ",
            ],
        ),
        // What the driver does not measure of the second partition is unknown, though the exporter says zero.
        (
            ExporterKind::Amd,
            include_str!("fixtures/amd_partitions.prom"),
            &[
                "0 PCB1 | AMD Instinct MI300X OAM | 55 % | 1000/24000 MiB | 301000 mW 50 °C XID ? | ml/a:c",
                "1 PCB1/1 | AMD Instinct MI300X OAM | ? | 0/24000 MiB | ? mW ? °C XID ? | ml/b:c",
            ],
        ),
        (
            ExporterKind::Neuron,
            include_str!("fixtures/neuron.prom"),
            &[
                "0 neuron0 | ? | 37.5 % | 102/32768 MiB | ? mW ? °C XID ? | ",
                "1 neuron1 | ? | ? | ?/32768 MiB | ? mW ? °C XID ? | ",
                "2 neuron2 | ? | 86.331 % | ?/32768 MiB | ? mW ? °C XID ? | ",
                "3 neuron3 | ? | ? | ?/32768 MiB | ? mW ? °C XID ? | ",
                "4 neuron4 | ? | ? | ?/32768 MiB | ? mW ? °C XID ? | ",
                "5 neuron5 | ? | ? | ?/32768 MiB | ? mW ? °C XID ? | ",
            ],
        ),
        (
            ExporterKind::Neuron,
            include_str!("fixtures/neuron_inf1.prom"),
            &["0 neuron0 | ? | 30 % | 60/? MiB | ? mW ? °C XID ? | "],
        ),
    ] {
        assert_eq!(lines(kind, page), expected);
    }
}

#[test]
fn a_page_that_is_none_is_named() {
    let dcgm = |page| lines(ExporterKind::Dcgm, page).join("\n");
    for (page, words) in [
        ("", "it answered with an empty page"),
        (" \r\n\t\n", "it answered with an empty page"),
        ("\u{feff}\n<!DOCTYPE html><html><body>Sign in</body></html>", "it answered with a page of HTML"),
        ("{\"status\":\"ok\"}", "it answered with JSON instead of metrics"),
        ("go_goroutines 12\n", "no metric of dcgm-exporter that batchtop reads is on the page"),
        (
            "404 page not found\n",
            "no metric of dcgm-exporter that batchtop reads is on the page; line 1 is unreadable: it does not begin with \
             the name of a metric",
        ),
        ("DCGM_FI_DEV_GPU_UTIL 3\n", "no metric on the page says of which device it is"),
        ("DCGM_FI_DEV_GPU_UTIL{GPU_I_ID=\"x\",UUID=\"a\"} 3\n", "no metric on the page says of which device it is"),
    ] {
        assert_eq!(dcgm(page), words, "{page}");
    }
    let amd = lines(ExporterKind::Amd, "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 3\n");
    assert_eq!(amd, ["no metric of device-metrics-exporter that batchtop reads is on the page"]);
    let neuron = lines(ExporterKind::Neuron, "neuroncore_utilization_ratio{neuroncore=\"3\"} 0.5\n");
    assert_eq!(neuron, ["neuron_hardware_info, which tells how many cores a device has, is not on the page"]);
    assert_eq!(read(ExporterKind::Prometheus, b"DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 3\n"), Err(Unreadable::NoPage));
}

#[test]
fn a_value_that_cannot_be_right_is_unknown_and_not_zero() {
    for value in ["NaN", "-1", "+Inf", "-Inf", "1e400", "140737488355328.0", "9223372036854775794", "2147483632"] {
        let page = page(dcgm::METRICS, |metric| format!("{}{{gpu=\"3\"}} {value}\n", metric.name));
        assert_eq!(lines(ExporterKind::Dcgm, &page), ["3 gpu3 | ? | ? | ?/? MiB | ? mW ? °C XID ? | "], "{value}");
        let page = self::page(amd::METRICS, |metric| format!("{}{{gpu_id=\"3\"}} {value}\n", metric.name));
        assert_eq!(lines(ExporterKind::Amd, &page), ["3 gpu3 | ? | ? | ?/? MiB | ? mW ? °C XID ? | "], "{value}");
        let page = format!(
            "neuroncore_utilization_ratio{{neuroncore=\"0\",neurondevice=\"0\"}} {value}\n\
             neuroncore_memory_usage_tensors{{neuroncore=\"0\",neurondevice=\"0\"}} {value}\n\
             neuroncore_memory_usage_constants{{neuroncore=\"0\",neurondevice=\"0\"}} 4e3\n"
        );
        let expected = if value.starts_with('2') { "2048" } else { "?" };
        let expected = format!("0 neuron0 | ? | ? | {expected}/? MiB | ? mW ? °C XID ? | ");
        assert_eq!(lines(ExporterKind::Neuron, &page), [expected], "{value}");
    }
}

#[test]
fn parts_of_what_is_known_make_no_whole() {
    let one = |page: &str| lines(ExporterKind::Dcgm, page).join("\n");
    for (page, memory) in [
        ("DCGM_FI_DEV_FB_USED{gpu=\"0\"} 5\n", "5/? MiB"),
        ("DCGM_FI_DEV_FB_FREE{gpu=\"0\"} 5\n", "?/? MiB"),
        ("DCGM_FI_DEV_FB_USED{gpu=\"0\"} 5\nDCGM_FI_DEV_FB_FREE{gpu=\"0\"} 3\n", "5/8 MiB"),
        ("DCGM_FI_DEV_FB_USED{gpu=\"0\"} 5\nDCGM_FI_DEV_FB_TOTAL{gpu=\"0\"} 9\n", "5/9 MiB"),
        ("DCGM_FI_DEV_FB_USED{gpu=\"0\"} 5\nDCGM_FI_DEV_FB_TOTAL{gpu=\"0\"} 4\n", "?/? MiB"),
        ("DCGM_FI_DEV_FB_USED{gpu=\"0\"} NaN\nDCGM_FI_DEV_FB_FREE{gpu=\"0\"} 3\n", "?/? MiB"),
    ] {
        assert!(one(page).contains(memory), "{page} → {}", one(page));
    }
    // The finer measure counts where it is a value, wherever it stands.
    let busy = |engine: &str| {
        one(&format!("DCGM_FI_PROF_GR_ENGINE_ACTIVE{{gpu=\"0\"}} {engine}\nDCGM_FI_DEV_GPU_UTIL{{gpu=\"0\"}} 40\n"))
    };
    assert!(busy("0.25").contains("| 25 % |") && busy("NaN").contains("| 40 % |"));
}

#[test]
fn of_several_values_the_last_one_counts() {
    let page = "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 10\nDCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 20\n";
    assert!(lines(ExporterKind::Dcgm, page)[0].contains("| 20 % |"));
}

#[test]
fn a_pod_without_a_namespace_holds_nothing_and_an_empty_label_is_none() {
    for (labels, holders) in [
        ("pod=\"p\"", ""),
        ("pod=\"p\",namespace=\"\"", ""),
        ("pod=\"\",namespace=\"n\",pod_name=\"q\",pod_namespace=\"m\"", "m/q"),
        ("pod=\"p\",namespace=\"n\",container=\"\"", "n/p"),
        ("pod=\"p\",namespace=\"n\",exported_pod=\"\",exported_namespace=\"\"", ""),
        ("pod=\"p\",namespace=\"n\",exported_pod=\"e\",exported_namespace=\"m\",container=\"c\"", "m/e"),
    ] {
        let page = format!("DCGM_FI_DEV_GPU_UTIL{{gpu=\"0\",{labels}}} 1\n");
        assert!(lines(ExporterKind::Dcgm, &page)[0].ends_with(&format!("| {holders}")), "{labels}");
    }
}

#[test]
fn devices_are_ordered_by_index_identity_and_instance() {
    let devices = [("10", "c", ""), ("2", "b", "7"), ("2", "b", "10"), ("2", "a", ""), ("", "z", "")];
    let page = page(&devices, |(gpu, uuid, mig)| {
        format!("DCGM_FI_DEV_GPU_UTIL{{gpu=\"{gpu}\",UUID=\"{uuid}\",GPU_I_ID=\"{mig}\"}} 1\n")
    });
    let devices = read(ExporterKind::Dcgm, page.as_bytes()).expect("devices").devices;
    let order: Vec<_> = devices
        .iter()
        .map(|device| (device.index, device.uuid.as_str(), device.mig.as_ref().map(|mig| mig.id)))
        .collect();
    let expected = [
        (None, "z", None),
        (Some(2), "a", None),
        (Some(2), "b", Some(7)),
        (Some(2), "b", Some(10)),
        (Some(10), "c", None),
    ];
    assert_eq!(order, expected);
}

#[test]
fn devices_and_holders_beyond_the_limits_are_left_out() {
    let numbers: Vec<usize> = (0..3000).collect();
    let page = page(&numbers, |number| {
        format!(
            "DCGM_FI_DEV_GPU_UTIL{{UUID=\"g{number}\",gpu=\"{number}\"}} 1\n\
             DCGM_FI_DEV_GPU_UTIL{{UUID=\"g0\",gpu=\"0\",pod=\"p{number}\",namespace=\"n\"}} 1\n"
        )
    });
    let devices = read(ExporterKind::Dcgm, page.as_bytes()).expect("devices").devices;
    assert_eq!((devices.len(), devices[0].holders.len()), (MAX_DEVICES, MAX_HOLDERS));
    let page = "neuron_hardware_info{neuron_device_count=\"4294967295\",neuroncore_per_device_count=\"1\"} 1\n";
    assert_eq!(read(ExporterKind::Neuron, page.as_bytes()).expect("devices").devices.len(), MAX_DEVICES);
}

#[test]
fn texts_of_labels_are_kept_as_they_are() {
    let page = "DCGM_FI_DEV_GPU_UTIL{gpu=\"-1\",UUID=\"\u{1b}[31m\\\"x\\n\",modelName=\"<b>\",pod=\"../p\",namespace=\"n\"} 1\n";
    let devices = read(ExporterKind::Dcgm, page.as_bytes()).expect("devices").devices;
    assert_eq!(devices[0].uuid.as_str(), "\u{1b}[31m\"x\n");
    assert_eq!((devices[0].index, devices[0].model.as_deref()), (None, Some("<b>")));
    assert_eq!(devices[0].holders[0].pod, ObjectKey::new("n", "../p"));
    let page = format!("DCGM_FI_DEV_GPU_UTIL{{gpu=\"1\",modelName=\"{}\"}} 1\n", "é".repeat(10_000));
    let devices = read(ExporterKind::Dcgm, page.as_bytes()).expect("devices").devices;
    assert_eq!(devices[0].model.as_deref(), Some(format!("{}…", "é".repeat(126)).as_str()), "cut where it is long");
}

fn places() -> Places {
    let node = |name| Sym::new(name);
    Places {
        exporters: [
            (ObjectKey::new("gpu-operator", "nvidia-dcgm-exporter-x2v9k"), node("gpu-node-1")),
            (ObjectKey::new("kube-amd-gpu", "amd-exporter-77k"), node("gpu-node-3")),
        ]
        .into(),
        nodes: ["gpu-node-1", "gpu-node-2", "gpu-node-3", "neuron-node-1"].map(node).into(),
    }
}

#[test]
fn an_answer_of_prometheus_is_read_by_node() {
    let answer = read_answer(include_bytes!("fixtures/prometheus.json"), &places()).expect("an answer");
    let lines: Vec<String> = answer
        .iter()
        .flat_map(|(node, devices)| devices.iter().map(move |device| format!("{node}: {}", line(device))))
        .collect();
    assert_eq!(
        lines,
        [
            "gpu-node-1: 0 GPU-6d4f1c1e-0a52-9f3b-7c1d-2f0c9a8e4b11 | NVIDIA A100-SXM4-80GB | 99 % | 1000/2000 MiB | \
             ? mW ? °C XID ? | ml/train-llm-0:trainer",
            // Idle: the pod is the exporter's own.
            "gpu-node-1: 1 GPU-b3c0a9d2-51e7-4a6f-8b90-0d1e2f3a4b5c | NVIDIA A100-SXM4-80GB | 0 % | ?/? MiB | \
             ? mW ? °C XID ? | ",
            "gpu-node-2: 0 GPU-kept | NVIDIA A100-SXM4-80GB | 5 % | ?/? MiB | ? mW ? °C XID ? | llm/vllm-0:vllm",
            "gpu-node-3: 0 ccff74a1-0000-1000-80e0-c6d49f5b0d86 | AMD Instinct MI300X OAM | 42 % | ?/? MiB | \
             ? mW ? °C XID ? | llm/vllm-1:vllm",
            "neuron-node-1: 1 neuron1 | ? | 12.5 % | ?/? MiB | ? mW ? °C XID ? | ",
        ]
    );
}

#[test]
fn an_answer_of_prometheus_that_is_none_is_named() {
    let words = |body: &str| read_answer(body.as_bytes(), &places()).expect_err("no answer").to_string();
    let refused = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
    assert_eq!(words(refused), "the Prometheus server answered with an error: parse error");
    let other = "it is not the answer of a Prometheus server to a query";
    let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
    for body in ["", "<html>", "{}", matrix, r#"{"data":{"resultType":"vector","result":[{"value":[1,"2"]}]}}"#] {
        assert_eq!(words(body), other, "{body}");
    }
}

#[test]
fn the_query_names_every_metric_that_is_read() {
    let whole = queries(Division::Whole);
    let [query] = whole.as_slice() else { panic!("one query: {whole:?}") };
    assert!(query.starts_with("{__name__=~\"DCGM_FI_PROF_GR_ENGINE_ACTIVE|DCGM_FI_DEV_GPU_UTIL|"), "{query}");
    assert!(
        query.contains("|(amd_)?gpu_gfx_activity|") && query.ends_with("|neuroncore_memory_usage_.+\"}"),
        "{query}"
    );
}

#[test]
fn every_device_is_in_one_part_of_a_divided_query() {
    let parts = queries(Division::ByUuid);
    let of_uuid = |part: &str| part.split_once(",UUID").map(|(_, rest)| rest.trim_end_matches(['"', '}']).to_owned());
    let of_uuid: Vec<String> = parts.iter().filter_map(|part| of_uuid(part)).collect();
    assert_eq!(of_uuid.len(), 17, "{parts:?}");
    assert_eq!((of_uuid[0].as_str(), of_uuid[15].as_str()), ("=~\"([A-Z]+-)?0.*", "=~\"([A-Z]+-)?f.*"));
    assert_eq!(of_uuid[16], "!~\"([A-Z]+-)?[0-9a-f].*");
    let whole = queries(Division::Whole)[0].trim_end_matches('}').to_owned();
    assert!(parts.iter().all(|part| part.starts_with(&whole)), "each names every metric");
}

#[test]
fn devices_of_several_answers_stand_in_the_order_of_a_page() {
    let page = |uuid, index| format!("DCGM_FI_DEV_GPU_UTIL{{gpu=\"{index}\",UUID=\"{uuid}\"}} 5\n");
    let reading =
        |uuid, index| read(ExporterKind::Dcgm, page(uuid, index).as_bytes()).expect("a device").devices.remove(0);
    let mut told = [(Sym::new("a"), vec![reading("GPU-0", 2)]), (Sym::new("b"), vec![reading("GPU-1", 0)])].into();
    add_answer(&mut told, [(Sym::new("a"), vec![reading("GPU-9", 0), reading("GPU-8", 1)])].into());
    let uuids: Vec<&str> = told[&Sym::new("a")].iter().map(|device| device.uuid.as_str()).collect();
    assert_eq!((uuids, told.len()), (vec!["GPU-9", "GPU-8", "GPU-0"], 2));
}

const KINDS: [ExporterKind; 3] = [ExporterKind::Dcgm, ExporterKind::Amd, ExporterKind::Neuron];

/// Lines that look like metrics, with odd values and odd labels.
fn odd_page() -> impl Strategy<Value = String> {
    let names: Vec<&str> = dcgm::METRICS
        .iter()
        .chain(amd::METRICS)
        .map(|metric| metric.name)
        .chain([neuron::UTILIZATION, neuron::HARDWARE, neuron::RUNTIME_MEMORY, "neuroncore_memory_usage_tensors"])
        .collect();
    let label = prop::sample::select(vec![
        "gpu",
        "UUID",
        "GPU_I_ID",
        "GPU_I_PROFILE",
        "gpu_id",
        "gpu_partition_id",
        "serial_number",
        "neuroncore",
        "neurondevice",
        "neuron_device_count",
        "neuroncore_per_device_count",
        "instance_type",
        "pod",
        "namespace",
        "exported_pod",
    ]);
    let value = prop_oneof![
        "[0-9]{1,2}",
        Just("4294967295".to_owned()),
        Just(String::new()),
        Just("inf2.x".to_owned()),
        "[^\"\\\\\n]{0,4}"
    ];
    let number = prop_oneof!["-?[0-9]{1,12}(\\.[0-9]{1,3})?", Just("NaN".to_owned()), Just("1e400".to_owned())];
    let labels = prop::collection::vec((label, value), 0..6);
    let line = (prop::sample::select(names), labels, number).prop_map(|(name, labels, number)| {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        format!("{name}{{{}}} {number}\n", labels.join(","))
    });
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(page in prop::collection::vec(any::<u8>(), 0..2000)) {
        for kind in KINDS {
            let _ = read(kind, &page);
        }
        let _ = read_answer(&page, &places());
    }

    #[test]
    fn whatever_is_read_is_in_order_and_within_limits(page in odd_page()) {
        for kind in KINDS {
            let Ok(GpuReadings { devices, .. }) = read(kind, page.as_bytes()) else { continue };
            let order = |device: &DeviceReading| {
                (device.index, device.uuid.clone(), device.mig.as_ref().map(|mig| mig.id))
            };
            prop_assert!(!devices.is_empty());
            prop_assert!(devices.windows(2).all(|pair| order(&pair[0]) < order(&pair[1])));
            for device in &devices {
                prop_assert!(device.utilization <= Some(Utilization::FULL));
                let (used, total) = (device.memory_used_bytes, device.memory_total_bytes);
                prop_assert!(used.zip(total).is_none_or(|(used, total)| used <= total));
                let has_board = devices.iter().any(|other| other.uuid == device.uuid && other.mig.is_none());
                prop_assert!(device.mig.is_none() || !has_board);
            }
        }
    }
}

#[test]
fn renamed_labels_of_one_series_count_for_the_whole_page() {
    let page = "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"GPU-0\",exported_pod=\"train\",exported_namespace=\"ml\",pod=\"dcgm-x\",namespace=\"gpu\"} 90
DCGM_FI_DEV_GPU_UTIL{gpu=\"1\",UUID=\"GPU-1\",pod=\"dcgm-x\",namespace=\"gpu\"} 0
";
    let devices = read(ExporterKind::Dcgm, page.as_bytes()).expect("devices").devices;
    let holders: Vec<usize> = devices.iter().map(|device| device.holders.len()).collect();
    assert_eq!(holders, [1, 0]);
}

#[test]
fn what_cannot_be_used_of_a_page_is_said() {
    let page = "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"GPU-0\"} 90
DCGM_FI_DEV_FB_USED{gpu=\"0\",UUID=\"GPU-0\"} NaN
DCGM_FI_DEV_POWER_USAGE{gpu=\"0\",UUID=\"GPU-0\"} -0.5
DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"";
    let remark = read(ExporterKind::Dcgm, page.as_bytes()).expect("devices").remark.expect("a remark");
    assert!(
        remark.starts_with("line 4 is unreadable: ") && remark.ends_with("; 2 values are below zero or not a number"),
        "{remark}"
    );
    let fine = read(ExporterKind::Dcgm, page.lines().next().expect("a line").as_bytes()).expect("devices");
    assert_eq!(fine.remark, None);
}
