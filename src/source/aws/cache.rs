//! On-disk cache of answers that change rarely: on-demand prices, Auto Mode fees, Fargate rates, instance types.
//!
//! JSON in `$XDG_CACHE_HOME/batchtop/`, readable by the user alone. An unreadable file counts as an empty cache.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Write;
use super::agenda::{CachedAnswer, MAX_ANSWERS};
use super::request::{Answer, PriceItem, PriceRequest};
use crate::files;
use crate::fleet::{Accelerator, InstanceType, Sym};
use crate::units::Time;

/// Version of the file format; files of another version are ignored.
const VERSION: u32 = 1;

/// Larger files are ignored: [`MAX_ANSWERS`] answers fit in less.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// An answer dated further in the future than this is ignored: one of the two clocks was wrong.
const CLOCK_SLACK_SECONDS: i64 = 300;

/// One cache file.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    pub(super) path: PathBuf,
    pub(super) write: Write,
    /// Endpoints that the answers come from, empty for AWS's own. Answers of other endpoints (a test's) are ignored.
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
    data: EntryData,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
enum EntryData {
    OnDemand { instance_type: String, micro_usd_per_hour: i64 },
    AutoModeFee { instance_type: String, micro_usd_per_hour: i64 },
    Fargate { vcpu_micro_usd_per_hour: i64, gb_micro_usd_per_hour: i64 },
    InstanceType { name: String, vcpus: Option<u32>, memory_mib: Option<u64>, accelerator: Option<AcceleratorEntry> },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AcceleratorEntry {
    name: String,
    count: u32,
    memory_mib: Option<u64>,
}

impl Cache {
    /// Cached answers that are readable and not dated in the future.
    pub(super) fn load(&self, now: Time) -> Vec<(PriceRequest, CachedAnswer)> {
        let text = files::read_text(&self.path, MAX_BYTES).unwrap_or_default();
        let document: Option<Document> = serde_json::from_str(&text).ok();
        let document = document.filter(|it| it.version == VERSION && it.endpoints == self.endpoints);
        let entries = document.map(|it| it.entries).unwrap_or_default();
        entries.into_iter().take(MAX_ANSWERS).filter_map(|entry| parse_entry(entry, now)).collect()
    }

    /// Saves these answers, and those that another session has saved meanwhile.
    ///
    /// # Errors
    /// When the folder cannot be created or the file cannot be written.
    pub(super) fn save(&self, answers: &[(PriceRequest, CachedAnswer)], now: Time) -> io::Result<()> {
        let mut all: BTreeMap<PriceRequest, CachedAnswer> = self.load(now).into_iter().collect();
        all.extend(answers.iter().cloned());
        let mut entries: Vec<(Time, Entry)> =
            all.iter().filter_map(|(request, cached)| Some((cached.as_of, entry(request, cached)?))).collect();
        entries.sort_by_key(|(as_of, _)| std::cmp::Reverse(*as_of));
        entries.truncate(MAX_ANSWERS);
        let entries = entries.into_iter().map(|(_, entry)| entry).collect();
        let document = Document { version: VERSION, endpoints: self.endpoints.clone(), entries };
        (self.write)(&self.path, &serde_json::to_vec(&document)?)
    }
}

/// The entry of an answer; `None` for answers that are not cached: spot prices, and those without a usable price.
fn entry(request: &PriceRequest, cached: &CachedAnswer) -> Option<Entry> {
    let data = match (&cached.answer, &request.item) {
        (Answer::Rate(rate), PriceItem::OnDemand(name)) => {
            EntryData::OnDemand { instance_type: name.to_string(), micro_usd_per_hour: *rate }
        }
        (Answer::Rate(rate), PriceItem::Fee(name)) => {
            EntryData::AutoModeFee { instance_type: name.to_string(), micro_usd_per_hour: *rate }
        }
        (Answer::Fargate(vcpu, gb), _) => {
            EntryData::Fargate { vcpu_micro_usd_per_hour: *vcpu, gb_micro_usd_per_hour: *gb }
        }
        (Answer::Hardware(found), _) => instance_type_data(found),
        _ => return None,
    };
    Some(Entry { region: request.region.to_string(), as_of: cached.as_of.to_string(), data })
}

fn instance_type_data(found: &InstanceType) -> EntryData {
    let accelerator = found.accelerator.as_ref().map(|it| AcceleratorEntry {
        name: it.name.to_string(),
        count: it.count,
        memory_mib: it.memory_mib,
    });
    EntryData::InstanceType {
        name: found.name.to_string(),
        vcpus: found.vcpus,
        memory_mib: found.memory_mib,
        accelerator,
    }
}

fn parse_entry(entry: Entry, now: Time) -> Option<(PriceRequest, CachedAnswer)> {
    let as_of = Time::parse(&entry.as_of).filter(|at| *at <= now.plus_seconds(CLOCK_SLACK_SECONDS))?;
    let sane = |rate: i64| (rate > 0).then_some(rate);
    let (item, answer) = match entry.data {
        EntryData::OnDemand { instance_type, micro_usd_per_hour } => {
            (PriceItem::OnDemand(Sym::new(&instance_type)), Answer::Rate(sane(micro_usd_per_hour)?))
        }
        EntryData::AutoModeFee { instance_type, micro_usd_per_hour } => {
            (PriceItem::Fee(Sym::new(&instance_type)), Answer::Rate(sane(micro_usd_per_hour)?))
        }
        EntryData::Fargate { vcpu_micro_usd_per_hour: vcpu, gb_micro_usd_per_hour: gb } => {
            (PriceItem::Fargate, Answer::Fargate(sane(vcpu)?, sane(gb)?))
        }
        EntryData::InstanceType { name, vcpus, memory_mib, accelerator } => {
            let accelerator = accelerator.map(|it| Accelerator {
                name: Sym::new(&it.name),
                count: it.count,
                memory_mib: it.memory_mib,
            });
            let name = Sym::new(&name);
            let found = InstanceType { name: name.clone(), vcpus, memory_mib, accelerator };
            (PriceItem::Hardware(name), Answer::Hardware(found))
        }
    };
    Some((PriceRequest { region: Sym::new(&entry.region), item }, CachedAnswer { answer, as_of }))
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
        let write = |path: &Path, bytes: &[u8]| {
            std::fs::create_dir_all(path.parent().expect("a folder"))?;
            std::fs::write(path, bytes)
        };
        Cache { path: folder.join("batchtop").join("prices.json"), write, endpoints: String::new() }
    }

    fn answers() -> Vec<(PriceRequest, CachedAnswer)> {
        let accelerator = Accelerator { name: Sym::new("L4"), count: 1, memory_mib: Some(22_888) };
        let hardware = InstanceType {
            name: Sym::new("g6.xlarge"),
            vcpus: Some(4),
            memory_mib: Some(16_384),
            accelerator: Some(accelerator),
        };
        let mut all = vec![
            (PriceItem::OnDemand(Sym::new("g6.xlarge")), Answer::Rate(804_800)),
            (PriceItem::Fee(Sym::new("g6.xlarge")), Answer::Rate(96_576)),
            (PriceItem::Fargate, Answer::Fargate(40_480, 4_445)),
            (PriceItem::Hardware(Sym::new("g6.xlarge")), Answer::Hardware(hardware)),
        ];
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let cached = |answer| CachedAnswer { answer, as_of: now().plus_seconds(-60) };
        all.into_iter()
            .map(|(item, answer)| (PriceRequest { region: Sym::new("us-east-1"), item }, cached(answer)))
            .collect()
    }

    fn loaded(cache: &Cache) -> Vec<(PriceRequest, CachedAnswer)> {
        let mut found = cache.load(now());
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }

    #[test]
    fn saved_answers_of_all_sessions_are_loaded_with_their_age() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = cache(folder.path());
        assert_eq!(cache.load(now()), []);
        let (first, rest) = (&answers()[..1], &answers()[1..]);
        cache.save(first, now()).expect("kept");
        cache.save(rest, now()).expect("kept");
        assert_eq!(loaded(&cache), answers(), "what another session kept stays");
    }

    #[test]
    fn an_answer_without_a_price_is_not_saved() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = cache(folder.path());
        let request = PriceRequest { region: Sym::new("us-east-1"), item: PriceItem::OnDemand(Sym::new("x")) };
        let cached = CachedAnswer { answer: Answer::Nothing, as_of: now() };
        cache.save(&[(request, cached)], now()).expect("kept");
        assert_eq!(cache.load(now()), []);
    }

    #[test]
    fn a_cache_of_other_endpoints_or_versions_or_unreadable_loads_no_answers() {
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
