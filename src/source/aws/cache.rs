//! What changes rarely, kept from one session to the next: on-demand prices, fees, Fargate's rates, instance types.
//!
//! JSON in `$XDG_CACHE_HOME/batchtop/`, readable by the user alone. What cannot be read is as if it were not there.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Write;
use super::agenda::{Known, MOST_ANSWERS};
use super::wants::{Answer, Want, What};
use crate::fleet::{Accelerator, InstanceType, Sym};
use crate::units::Time;

/// Another one is not read.
const VERSION: u32 = 1;

/// No file of so many answers is larger.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// How far in the future an answer may lie before the clock it was dated by is not believed.
const CLOCK_SLACK_SECONDS: i64 = 300;

/// One file.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    pub(super) path: PathBuf,
    pub(super) write: Write,
    /// The endpoints that the answers came from, empty for AWS's own: those of a test are no prices.
    pub(super) endpoints: String,
}

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    endpoints: String,
    entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    region: String,
    as_of: String,
    #[serde(flatten)]
    kept: Kept,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
enum Kept {
    OnDemand { instance_type: String, micro_usd_per_hour: i64 },
    AutoModeFee { instance_type: String, micro_usd_per_hour: i64 },
    Fargate { vcpu_micro_usd_per_hour: i64, gb_micro_usd_per_hour: i64 },
    InstanceType { name: String, vcpus: Option<u32>, memory_mib: Option<u64>, accelerator: Option<KeptAccelerator> },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptAccelerator {
    name: String,
    count: u32,
    memory_mib: Option<u64>,
}

impl Cache {
    /// What was kept, as far as it can be read and believed.
    pub(super) fn load(&self, now: Time) -> Vec<(Want, Known)> {
        let is_sane = std::fs::metadata(&self.path).is_ok_and(|file| file.len() <= MAX_BYTES);
        let text = is_sane.then(|| std::fs::read_to_string(&self.path).ok()).flatten().unwrap_or_default();
        let document: Option<Document> = serde_json::from_str(&text).ok();
        let document = document.filter(|it| it.version == VERSION && it.endpoints == self.endpoints);
        let entries = document.map(|it| it.entries).unwrap_or_default();
        entries.into_iter().take(MOST_ANSWERS).filter_map(|entry| known(entry, now)).collect()
    }

    /// Keeps these, and what another session kept meanwhile.
    pub(super) fn save(&self, answers: &[(Want, Known)], now: Time) -> io::Result<()> {
        let mut all: BTreeMap<Want, Known> = self.load(now).into_iter().collect();
        all.extend(answers.iter().cloned());
        let mut entries: Vec<(Time, Entry)> =
            all.iter().filter_map(|(want, known)| Some((known.as_of, entry(want, known)?))).collect();
        entries.sort_by_key(|(as_of, _)| std::cmp::Reverse(*as_of));
        entries.truncate(MOST_ANSWERS);
        let entries = entries.into_iter().map(|(_, entry)| entry).collect();
        let document = Document { version: VERSION, endpoints: self.endpoints.clone(), entries };
        if let Some(folder) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        (self.write)(&self.path, &serde_json::to_vec(&document)?)
    }
}

/// Only what holds something is kept.
fn entry(want: &Want, known: &Known) -> Option<Entry> {
    let kept = match (&known.answer, &want.what) {
        (Answer::Rate(rate), What::OnDemand(name)) => {
            Kept::OnDemand { instance_type: name.to_string(), micro_usd_per_hour: *rate }
        }
        (Answer::Rate(rate), What::Fee(name)) => {
            Kept::AutoModeFee { instance_type: name.to_string(), micro_usd_per_hour: *rate }
        }
        (Answer::Fargate(vcpu, gb), _) => Kept::Fargate { vcpu_micro_usd_per_hour: *vcpu, gb_micro_usd_per_hour: *gb },
        (Answer::Hardware(found), _) => kept_type(found),
        _ => return None,
    };
    Some(Entry { region: want.region.to_string(), as_of: known.as_of.to_string(), kept })
}

fn kept_type(found: &InstanceType) -> Kept {
    let accelerator = found.accelerator.as_ref().map(|it| KeptAccelerator {
        name: it.name.to_string(),
        count: it.count,
        memory_mib: it.memory_mib,
    });
    Kept::InstanceType { name: found.name.to_string(), vcpus: found.vcpus, memory_mib: found.memory_mib, accelerator }
}

fn known(entry: Entry, now: Time) -> Option<(Want, Known)> {
    let as_of = Time::parse(&entry.as_of).filter(|at| *at <= now.plus_seconds(CLOCK_SLACK_SECONDS))?;
    let sane = |rate: i64| (rate > 0).then_some(rate);
    let (what, answer) = match entry.kept {
        Kept::OnDemand { instance_type, micro_usd_per_hour } => {
            (What::OnDemand(Sym::new(&instance_type)), Answer::Rate(sane(micro_usd_per_hour)?))
        }
        Kept::AutoModeFee { instance_type, micro_usd_per_hour } => {
            (What::Fee(Sym::new(&instance_type)), Answer::Rate(sane(micro_usd_per_hour)?))
        }
        Kept::Fargate { vcpu_micro_usd_per_hour: vcpu, gb_micro_usd_per_hour: gb } => {
            (What::Fargate, Answer::Fargate(sane(vcpu)?, sane(gb)?))
        }
        Kept::InstanceType { name, vcpus, memory_mib, accelerator } => {
            let accelerator = accelerator.map(|it| Accelerator {
                name: Sym::new(&it.name),
                count: it.count,
                memory_mib: it.memory_mib,
            });
            let name = Sym::new(&name);
            let found = InstanceType { name: name.clone(), vcpus, memory_mib, accelerator };
            (What::Hardware(name), Answer::Hardware(found))
        }
    };
    Some((Want { region: Sym::new(&entry.region), what }, Known { answer, as_of }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const NOW: &str = "2026-11-22T12:00:00Z";

    fn now() -> Time {
        Time::parse(NOW).expect("a time")
    }

    fn cache(folder: &Path) -> Cache {
        let write = |path: &Path, bytes: &[u8]| std::fs::write(path, bytes);
        Cache { path: folder.join("batchtop").join("prices.json"), write, endpoints: String::new() }
    }

    fn answers() -> Vec<(Want, Known)> {
        let accelerator = Accelerator { name: Sym::new("L4"), count: 1, memory_mib: Some(22_888) };
        let hardware = InstanceType {
            name: Sym::new("g6.xlarge"),
            vcpus: Some(4),
            memory_mib: Some(16_384),
            accelerator: Some(accelerator),
        };
        let mut all = vec![
            (What::OnDemand(Sym::new("g6.xlarge")), Answer::Rate(804_800)),
            (What::Fee(Sym::new("g6.xlarge")), Answer::Rate(96_576)),
            (What::Fargate, Answer::Fargate(40_480, 4_445)),
            (What::Hardware(Sym::new("g6.xlarge")), Answer::Hardware(hardware)),
        ];
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let known = |answer| Known { answer, as_of: now().plus_seconds(-60) };
        all.into_iter().map(|(what, answer)| (Want { region: Sym::new("us-east-1"), what }, known(answer))).collect()
    }

    fn loaded(cache: &Cache) -> Vec<(Want, Known)> {
        let mut found = cache.load(now());
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }

    #[test]
    fn what_is_kept_is_read_again_with_its_true_age() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = cache(folder.path());
        assert_eq!(cache.load(now()), []);
        let (first, rest) = (&answers()[..1], &answers()[1..]);
        cache.save(first, now()).expect("kept");
        cache.save(rest, now()).expect("kept");
        assert_eq!(loaded(&cache), answers(), "what another session kept stays");
    }

    #[test]
    fn nothing_without_a_price_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = cache(folder.path());
        let want = Want { region: Sym::new("us-east-1"), what: What::OnDemand(Sym::new("x")) };
        let known = Known { answer: Answer::Nothing, as_of: now() };
        cache.save(&[(want, known)], now()).expect("kept");
        assert_eq!(cache.load(now()), []);
    }

    #[test]
    fn other_endpoints_other_versions_the_future_and_rubbish_are_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = cache(folder.path());
        cache.save(&answers(), now()).expect("kept");
        let other = Cache { endpoints: "http://127.0.0.1:5555".into(), ..cache.clone() };
        assert_eq!(other.load(now()), []);
        assert_eq!(cache.load(now().plus_seconds(-86_400)), [], "from the future");
        let text = std::fs::read_to_string(&cache.path).expect("the file");
        for rubbish in [
            text.replace("\"version\":1", "\"version\":2"),
            text[..text.len() / 2].to_owned(),
            "[]".to_owned(),
            String::new(),
        ] {
            std::fs::write(&cache.path, rubbish).expect("written");
            assert_eq!(cache.load(now()), []);
        }
        let file = std::fs::File::create(&cache.path).expect("a file");
        file.set_len(MAX_BYTES + 1).expect("a large file");
        assert_eq!(cache.load(now()), []);
    }
}
