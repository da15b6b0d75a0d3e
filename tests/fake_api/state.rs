//! What the server knows.

use std::collections::{BTreeMap, BTreeSet};

use batchtop::fleet::Kind;
use tokio::sync::mpsc::UnboundedSender;

use super::faults::{Fault, Planned};

/// What an open watch is sent.
pub enum Push {
    /// A line.
    Line(String),
    /// The connection breaks within a chunk.
    Cut,
}

/// A change that a watch may ask for later.
struct Event {
    version: u64,
    path: String,
    line: String,
}

/// An open watch.
struct Watcher {
    path: String,
    sender: UnboundedSender<Push>,
}

#[derive(Default)]
pub struct State {
    /// Objects by collection path and key.
    pub collections: BTreeMap<String, BTreeMap<String, String>>,
    /// Pages that pods and Services serve, by the path of the API server's proxy to them; the answer to one query of a
    /// Prometheus server by path, `?` and that query.
    pub pages: BTreeMap<String, String>,
    /// API groups besides the built-in ones, with their versions.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Resources that no version of their group has.
    pub missing: BTreeSet<String>,
    /// Whether discovery is that of before Kubernetes 1.26: a list of groups, and a list of resources for each.
    pub plain_discovery: bool,
    /// Path beginnings that are forbidden.
    pub forbidden: BTreeSet<String>,
    /// Rights that the user does not have: `create pods/eviction` in the whole cluster, `create pods/eviction in ml`.
    pub denied: BTreeSet<String>,
    /// The token that is asked for, if any.
    pub token: Option<String>,
    /// At most so many objects per page, whatever the client asks for.
    pub page_cap: Option<usize>,
    /// Method, path and query of every request.
    pub log: Vec<String>,
    /// Connections that are open now, and the most at any time.
    pub connections: usize,
    pub most_connections: usize,
    version: u64,
    /// Watches from before this version have expired.
    compacted: u64,
    history: Vec<Event>,
    watchers: Vec<Watcher>,
    planned: Vec<Planned>,
}

impl State {
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Creates or replaces an object. Its key is `namespace/name` or `name`.
    pub fn put(&mut self, path: &str, key: &str, json: &str) {
        self.version += 1;
        let kind =
            if json.starts_with("{\"kind\"") { "{".to_owned() } else { format!("{{\"kind\":\"{}\",", kind_at(path)) };
        let json = json.replacen('{', &kind, 1).replace("@RV@", &self.version.to_string());
        let before = self.collections.entry(path.to_owned()).or_default().insert(key.to_owned(), json.clone());
        self.publish(path, key, if before.is_some() { "MODIFIED" } else { "ADDED" }, &json);
    }

    pub fn delete(&mut self, path: &str, key: &str) {
        if let Some(json) = self.collections.get_mut(path).and_then(|all| all.remove(key)) {
            self.version += 1;
            self.publish(path, key, "DELETED", &json);
        }
    }

    fn publish(&mut self, path: &str, key: &str, kind: &str, json: &str) {
        let line = format!("{{\"type\":\"{kind}\",\"object\":{json}}}\n");
        let mut paths = vec![path.to_owned()];
        if let Some((namespace, _)) = key.split_once('/') {
            paths.push(in_namespace(path, namespace));
        }
        for path in paths {
            self.send(&path, &line);
            self.history.push(Event { version: self.version, path, line: line.clone() });
        }
    }

    /// Sends a line to the watches of a collection.
    pub fn send(&mut self, path: &str, line: &str) {
        self.watchers
            .retain(|watcher| watcher.path != path || watcher.sender.send(Push::Line(line.to_owned())).is_ok());
    }

    pub fn bookmark(&mut self, path: &str) {
        let line = format!(
            "{{\"type\":\"BOOKMARK\",\"object\":{{\"kind\":\"{}\",\"metadata\":{{\"resourceVersion\":\"{}\"}}}}}}\n",
            kind_at(path),
            self.version
        );
        self.send(path, &line);
    }

    /// Ends the watches of a collection with 410.
    pub fn expire(&mut self, path: &str) {
        self.send(path, GONE);
        self.watchers.retain(|watcher| watcher.path != path);
    }

    /// Ends the watches of a collection properly.
    pub fn end(&mut self, path: &str) {
        self.watchers.retain(|watcher| watcher.path != path);
    }

    /// Breaks the watches of a collection within a chunk.
    pub fn cut(&mut self, path: &str) {
        for watcher in self.watchers.iter().filter(|watcher| watcher.path == path) {
            let _ = watcher.sender.send(Push::Cut);
        }
        self.end(path);
    }

    pub fn end_all(&mut self) {
        self.watchers.clear();
    }

    /// Forgets the history: watches from an older version are told 410.
    pub fn compact(&mut self) {
        self.compacted = self.version;
        self.history.clear();
    }

    /// Opens a watch, beginning with what happened since `version`.
    pub fn watch(&mut self, path: &str, version: u64, sender: UnboundedSender<Push>) {
        if version < self.compacted {
            let _ = sender.send(Push::Line(GONE.to_owned()));
            return;
        }
        for event in self.history.iter().filter(|event| event.path == path && event.version > version) {
            let _ = sender.send(Push::Line(event.line.clone()));
        }
        self.watchers.push(Watcher { path: path.to_owned(), sender });
    }

    pub fn connected(&mut self) {
        self.connections += 1;
        self.most_connections = self.most_connections.max(self.connections);
    }

    pub fn watches(&self, path: &str) -> usize {
        self.watchers.iter().filter(|watcher| watcher.path == path && !watcher.sender.is_closed()).count()
    }

    pub fn plan(&mut self, matching: &str, fault: Fault, times: usize) {
        self.planned.push(Planned { matching: matching.to_owned(), fault, times });
    }

    /// Plans nothing any more.
    pub fn heal(&mut self) {
        self.planned.clear();
    }

    /// The fault for a request, if one is planned. A space in what it has to match stands for the end, too.
    pub fn fault_for(&mut self, request: &str) -> Option<Fault> {
        let request = format!("{request} ");
        let planned =
            self.planned.iter_mut().find(|planned| planned.times > 0 && request.contains(&planned.matching))?;
        planned.times -= 1;
        Some(planned.fault.clone())
    }

    /// The objects at a path, also at that of one namespace.
    pub fn objects(&self, path: &str) -> Vec<&String> {
        if let Some((root, rest)) = path.split_once("/namespaces/")
            && let Some((namespace, resource)) = rest.split_once('/')
        {
            let prefix = format!("{namespace}/");
            let all = self.collections.get(&format!("{root}/{resource}"));
            return all
                .into_iter()
                .flatten()
                .filter(|(key, _)| key.starts_with(&prefix))
                .map(|(_, json)| json)
                .collect();
        }
        self.collections.get(path).into_iter().flat_map(BTreeMap::values).collect()
    }
}

const GONE: &str = "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old resource version\"}}\n";

/// The kind of the objects in a collection.
pub fn kind_at(path: &str) -> &'static str {
    let resource = path.rsplit('/').next().unwrap_or_default();
    Kind::ALL.into_iter().find(|kind| kind.resource() == resource).map_or("", Kind::name)
}

/// `/api/v1/pods` → `/api/v1/namespaces/ml/pods`.
fn in_namespace(path: &str, namespace: &str) -> String {
    match path.rsplit_once('/') {
        Some((root, resource)) => format!("{root}/namespaces/{namespace}/{resource}"),
        None => path.to_owned(),
    }
}
