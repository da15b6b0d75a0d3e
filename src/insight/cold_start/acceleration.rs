//! What makes images come sooner to the Nodes of a NodePool: what is in place, what it did for the pulls that were observed,
//! and what would help.
//!
//! Only what the API server tells is known: the NodeClass, and the DaemonSets whose pods run on the Nodes. Images that were
//! put into a custom AMI, and a registry that is near, are not seen.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{PullOutcome, PullRecord, StartHistory};
use super::statistics::percentile;
use crate::fleet::{
    Fleet, ImageSetup, NodeClassRef, NodePoolRow, NodeRow, ObjectKey, PodRow, Snapshotter, Sym, Volume,
};
use crate::insight::sentence::{Part, Sentence, sentence};

/// A way to have images sooner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Technique {
    /// Volumes are made of a snapshot, which may have images on it.
    Snapshot,
    /// SOCI pulls in parallel, or lazily.
    Soci,
    /// Containers start before all of their image is there.
    LazyLoading,
    /// Nodes take images from one another.
    PeerToPeer,
    /// A DaemonSet pulls images before somebody needs them.
    PrePull,
    /// The kubelet and containerd work on the disks of the machine.
    InstanceStore,
}

impl Technique {
    /// All of them, those first that save most as a rule.
    pub const ALL: [Self; 6] =
        [Self::Snapshot, Self::Soci, Self::LazyLoading, Self::PeerToPeer, Self::PrePull, Self::InstanceStore];

    /// In the words of who sets it up.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "volume snapshot",
            Self::Soci => "SOCI",
            Self::LazyLoading => "lazy loading",
            Self::PeerToPeer => "peer to peer",
            Self::PrePull => "pre-pull",
            Self::InstanceStore => "instance store",
        }
    }
}

/// A technique that a NodePool has, and how that is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InPlace {
    /// The technique.
    pub technique: Technique,
    /// The object that tells of it, and in which words.
    pub evidence: Sentence,
}

/// Nodes of a NodePool at whose pods is looked: a DaemonSet runs on all of them as a rule.
const MOST_NODES: usize = 8;

/// What a NodePool has.
pub fn in_place(fleet: &Fleet, pool: &Sym) -> Vec<InPlace> {
    let of_class = class(fleet, pool).map(|(name, setup)| of_setup(name, setup));
    let nodes = fleet.nodes.iter().filter(|node| node.node_pool() == Some(pool)).take(MOST_NODES);
    let mut found: BTreeMap<Technique, Sentence> = of_class.into_iter().flatten().collect();
    found.extend(nodes.flat_map(|node| of_node(fleet, node)));
    found.into_iter().map(|(technique, evidence)| InPlace { technique, evidence }).collect()
}

/// Whether it is known that a NodePool has nothing of it.
pub fn has_nothing(fleet: &Fleet, pool: &Sym) -> bool {
    Technique::ALL.into_iter().all(|technique| is_known(fleet, pool, technique)) && in_place(fleet, pool).is_empty()
}

/// The name of the EC2NodeClass of a NodePool, and what it says of images.
fn class<'a>(fleet: &'a Fleet, pool: &Sym) -> Option<(&'a Sym, &'a ImageSetup)> {
    let named = |class: &NodeClassRef| fleet.ec2_node_classes.get(&ObjectKey::cluster(&class.name));
    let class = fleet.node_pools.get(&ObjectKey::cluster(pool)).and_then(|pool: &NodePoolRow| pool.node_class.as_ref());
    let row = class.filter(|class| class.kind == "EC2NodeClass").and_then(named)?;
    Some((&row.meta.key.name, &row.images))
}

/// The name of the NodeClass of a NodePool of EKS Auto Mode, and what it says of images.
fn auto_class<'a>(fleet: &'a Fleet, pool: &Sym) -> Option<(&'a Sym, &'a ImageSetup)> {
    let class = fleet.node_pools.get(&ObjectKey::cluster(pool))?.node_class.as_ref()?;
    let class = Some(class).filter(|class| class.group == "eks.amazonaws.com")?;
    let row = fleet.eks_node_classes.get(&ObjectKey::cluster(&class.name))?;
    Some((&row.meta.key.name, &row.images))
}

/// What is known of the machines of a NodePool that EKS Auto Mode sets up; `None` of other ones.
pub fn of_auto_mode(fleet: &Fleet, pool: &Sym) -> Option<Sentence> {
    let (name, setup) = auto_class(fleet, pool)?;
    let throughput = setup.volumes.first().and_then(|volume| volume.throughput_mib_per_second);
    Some(sentence![
        "EKS Auto Mode sets up the machines: whether they have images from a snapshot, SOCI or instance store is not told; \
         NodeClass ",
        name,
        ": the volume writes at most ",
        throughput.unwrap_or(DEFAULT_THROUGHPUT),
        " MiB/s",
    ])
}

/// Whether it can be told that a NodePool does not have a technique: by its EC2NodeClass, by the pods on its Nodes.
fn is_known(fleet: &Fleet, pool: &Sym, technique: Technique) -> bool {
    let is_class_known = || class(fleet, pool).is_some();
    let has_nodes = || fleet.nodes.iter().any(|node| node.node_pool() == Some(pool));
    match technique {
        Technique::Snapshot | Technique::Soci | Technique::InstanceStore => is_class_known(),
        Technique::LazyLoading => is_class_known() && has_nodes(),
        Technique::PeerToPeer | Technique::PrePull => has_nodes(),
    }
}

/// The device of Bottlerocket on which images are.
const BOTTLEROCKET_DATA: &str = "/dev/xvdb";

fn of_setup<'a>(name: &'a Sym, setup: &'a ImageSetup) -> impl Iterator<Item = (Technique, Sentence)> + 'a {
    let of_class = move |words: Sentence| sentence!["EC2NodeClass ", name, ": ", words];
    let snapshot = image_volume(setup).map(|volume| (Technique::Snapshot, of_volume(setup, volume)));
    let snapshotter = setup.snapshotter.map(|snapshotter| match snapshotter {
        Snapshotter::Soci => (Technique::Soci, Sentence::of("its userData sets up SOCI")),
        Snapshotter::Stargz => (Technique::LazyLoading, Sentence::of("its userData sets up stargz")),
        Snapshotter::Nydus => (Technique::LazyLoading, Sentence::of("its userData sets up Nydus")),
    });
    let store = (Technique::InstanceStore, Sentence::of("instanceStorePolicy is RAID0"));
    let store = setup.uses_instance_store.then_some(store);
    let all = [snapshot, snapshotter, store].into_iter().flatten();
    all.map(move |(technique, words)| (technique, of_class(words)))
}

/// The volume that is made of a snapshot and may have images on it: Bottlerocket's own for them, else any.
fn image_volume(setup: &ImageSetup) -> Option<&Volume> {
    let mut volumes = setup.volumes.iter().filter(|volume| volume.snapshot.is_some());
    if setup.is_bottlerocket { volumes.find(|volume| volume.device == BOTTLEROCKET_DATA) } else { volumes.next() }
}

fn of_volume(setup: &ImageSetup, volume: &Volume) -> Sentence {
    let rate = volume.initialization_mib_per_second.map(|rate| sentence![", copied at ", rate, " MiB/s"]);
    let doubt = (!setup.is_bottlerocket).then_some(", if it has images on it");
    sentence![&volume.device, " is made of ", volume.snapshot.as_ref(), rate, doubt]
}

/// What DaemonSets on a Node do about images.
fn of_node<'a>(fleet: &'a Fleet, node: &'a NodeRow) -> impl Iterator<Item = (Technique, Sentence)> + 'a {
    fleet.pods_on(&node.meta.key.name).filter_map(|pod| {
        let set = pod.owner.as_ref().filter(|owner| &*owner.kind == "DaemonSet")?;
        let technique = of_daemon_set(pod, &set.name)?;
        let key = ObjectKey { namespace: pod.meta.key.namespace.clone(), name: set.name.clone() };
        let by_name = (technique == Technique::PrePull).then_some(", by its name");
        Some((technique, sentence!["DaemonSet ", Part::Object(key), by_name]))
    })
}

/// By the labels that the charts of Spegel and Dragonfly give to pods, else by the name of the DaemonSet.
fn of_daemon_set(pod: &PodRow, set: &str) -> Option<Technique> {
    const NAMES: [(&str, Technique); 7] = [
        ("spegel", Technique::PeerToPeer),
        ("dragonfly", Technique::PeerToPeer),
        ("nydus-snapshotter", Technique::LazyLoading),
        ("stargz", Technique::LazyLoading),
        ("prepull", Technique::PrePull),
        ("pre-pull", Technique::PrePull),
        ("image-puller", Technique::PrePull),
    ];
    let label = |key: &str| pod.labels.get(key).map_or("", |value| value.as_str());
    let is_spegel = label("app.kubernetes.io/name") == "spegel";
    let is_dragonfly = label("app").contains("dragonfly") && label("component") == "client";
    if is_spegel || is_dragonfly {
        return Some(Technique::PeerToPeer);
    }
    NAMES.iter().find(|(part, _)| set.contains(part)).map(|(_, technique)| *technique)
}

/// How an image came to some Nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pulls {
    /// Pulls that succeeded.
    pub pulls: u64,
    /// Starts that found it on the Node.
    pub cached: u64,
    /// The median of how long a pull took, in milliseconds.
    pub p50_millis: Option<u64>,
}

impl Pulls {
    fn of<'a>(records: impl Iterator<Item = &'a PullRecord>) -> Self {
        let (mut millis, mut cached) = (Vec::new(), 0);
        for record in records {
            match record.outcome {
                Some(PullOutcome::Pulled { millis: took, .. }) => millis.push(took),
                Some(PullOutcome::Cached) => cached += 1,
                None => {}
            }
        }
        millis.sort_unstable();
        Self { pulls: millis.len() as u64, cached, p50_millis: percentile(&millis, 50) }
    }

    const fn is_empty(self) -> bool {
        self.pulls == 0 && self.cached == 0
    }
}

/// What a technique did: how one image came to Nodes of NodePools that have it, and to those of others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effect {
    /// The technique.
    pub technique: Technique,
    /// With it.
    pub with: Pulls,
    /// Without it.
    pub without: Pulls,
}

/// What techniques did for an image, as NodePools have them now; those of which both sides were observed.
pub fn effects(fleet: &Fleet, history: &StartHistory, image: &Sym) -> Vec<Effect> {
    let of_image = || history.pulls.values().filter(|record| record.image == *image);
    let pools: BTreeSet<&Sym> = of_image().filter_map(|record| record.place.pool.as_ref()).collect();
    let has: BTreeMap<&Sym, Vec<InPlace>> = pools.into_iter().map(|pool| (pool, in_place(fleet, pool))).collect();
    let is_with = |record: &PullRecord, technique: Technique| {
        let pool = record.place.pool.as_ref().filter(|pool| is_known(fleet, pool, technique))?;
        Some(has.get(pool)?.iter().any(|one| one.technique == technique))
    };
    let effect = |technique| {
        let side = |with| Pulls::of(of_image().filter(|record| is_with(record, technique) == Some(with)));
        let (with, without) = (side(true), side(false));
        (!with.is_empty() && !without.is_empty()).then_some(Effect { technique, with, without })
    };
    Technique::ALL.into_iter().filter_map(effect).collect()
}

impl Effect {
    /// `with volume snapshot p50 14s (9 pulls), without 7m10s (31 pulls)`.
    pub fn sentence(&self) -> Sentence {
        sentence!["with ", self.technique.name(), " ", side(self.with), ", without ", side(self.without)]
    }

    /// How much less the median of a pull is with it, in milliseconds; `None` where it is none, or no pull was observed on
    /// either side. Where all starts found the image there, all of the pull is saved.
    pub fn saved_millis(&self) -> Option<u64> {
        let with = if self.with.pulls == 0 { 0 } else { self.with.p50_millis? };
        self.without.p50_millis?.checked_sub(with).filter(|saved| *saved > 0)
    }
}

fn side(pulls: Pulls) -> Sentence {
    let found =
        |cached: u64| sentence![counted(cached), " of ", counted(cached + pulls.pulls), " starts found it there"];
    match pulls {
        Pulls { p50_millis: None, cached, .. } => found(cached),
        Pulls { p50_millis: Some(median), pulls: count, .. } => {
            let noun = if count == 1 { " pull)" } else { " pulls)" };
            sentence!["p50 ", seconds(median), " (", counted(count), noun]
        }
    }
}

fn counted(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Whole seconds, cut as they are in the columns beside these sentences; at least one.
fn seconds(millis: u64) -> Part {
    Part::Seconds(counted(millis / 1_000).max(1))
}

/// Medians of pulls below this are not worth a change.
pub const LONG_PULL_MILLIS: u64 = 60_000;

/// So much of what a gp3 volume writes where nobody asks for more, in MiB/s (EC2, "General Purpose SSD volumes").
const DEFAULT_THROUGHPUT: i64 = 125;

/// What would help with an image whose pulls take so long in a NodePool, the most promising first; nothing where they are
/// short. What was measured in another NodePool says by how much, all else is called a guess.
pub fn suggestions(
    fleet: &Fleet,
    history: &StartHistory,
    image: &Sym,
    pool: &Sym,
    p50_millis: Option<u64>,
) -> Vec<Sentence> {
    let Some(median) = p50_millis.filter(|median| *median >= LONG_PULL_MILLIS) else { return Vec::new() };
    let there = in_place(fleet, pool);
    let has = |technique: Technique| there.iter().any(|one| one.technique == technique);
    let effects = effects(fleet, history, image);
    let measured = effects.iter().filter(|effect| !has(effect.technique) && effect.saved_millis().is_some());
    let mut found: Vec<Sentence> = measured.map(gain).collect();
    let is_measured = |technique: Technique| effects.iter().any(|effect| effect.technique == technique);
    let guesses = [Technique::Snapshot, Technique::Soci, Technique::PeerToPeer].into_iter();
    let is_open = |one: &Technique| !has(*one) && !is_measured(*one) && is_known(fleet, pool, *one);
    found.extend(guesses.filter(is_open).map(|technique| guess(technique, median)));
    found.extend(class(fleet, pool).into_iter().flat_map(|(name, setup)| of_volumes(name, setup)));
    found.extend(auto_class(fleet, pool).and_then(|(name, setup)| of_auto_volume(name, setup)));
    found
}

/// The volume of a machine of EKS Auto Mode, where it is as slow as it is where nobody says anything.
fn of_auto_volume(name: &Sym, setup: &ImageSetup) -> Option<Sentence> {
    let throughput = setup.volumes.first().and_then(|volume| volume.throughput_mib_per_second);
    let throughput = throughput.unwrap_or(DEFAULT_THROUGHPUT);
    (throughput <= DEFAULT_THROUGHPUT).then(|| {
        sentence![
            "NodeClass ",
            name,
            ": the volume writes at most ",
            throughput,
            " MiB/s; more ephemeralStorage.throughput helps where images are unpacked faster (a guess)"
        ]
    })
}

fn gain(effect: &Effect) -> Sentence {
    let saved = effect.saved_millis().map(|saved| sentence![": saves ", seconds(saved), " a pull, as measured here"]);
    sentence![effect.technique.name(), saved, " (", effect.sentence(), ")"]
}

fn guess(technique: Technique, median: u64) -> Sentence {
    let what = match technique {
        Technique::Snapshot => "a snapshot with the image for the volume that images are on saves at most ",
        Technique::Soci => "SOCI pulls layers in parallel, and saves a part of ",
        _ => "Spegel or Dragonfly take the image from a Node that has it, and save a part of ",
    };
    sentence![what, seconds(median), " a pull: a guess, no NodePool here shows what it does for this image"]
}

/// What volumes could do better.
fn of_volumes<'a>(name: &'a Sym, setup: &'a ImageSetup) -> impl Iterator<Item = Sentence> + 'a {
    let lazy = lazy_snapshot(setup).map(move |volume| {
        sentence![
            "EC2NodeClass ",
            name,
            ": the snapshot of ",
            &volume.device,
            " is read from S3 when it is first needed; volumeInitializationRate copies it before (a guess: not measured)"
        ]
    });
    let is_slow =
        |volume: &&Volume| volume.throughput_mib_per_second.is_none_or(|throughput| throughput <= DEFAULT_THROUGHPUT);
    let device = if setup.is_bottlerocket { BOTTLEROCKET_DATA } else { "/dev/xvda" };
    let slow = setup.volumes.iter().find(|volume| volume.device == device).filter(is_slow);
    let slow = slow.filter(|_| !setup.uses_instance_store).map(move |volume| {
        sentence![
            "EC2NodeClass ",
            name,
            ": ",
            &volume.device,
            " writes at most ",
            DEFAULT_THROUGHPUT,
            " MiB/s; more throughput, or instanceStorePolicy RAID0, helps where images are unpacked faster (a guess)"
        ]
    });
    lazy.into_iter().chain(slow)
}

/// The volume of images whose snapshot is read block by block when it is first needed.
pub fn lazy_snapshot(setup: &ImageSetup) -> Option<&Volume> {
    image_volume(setup).filter(|volume| volume.initialization_mib_per_second.is_none())
}
