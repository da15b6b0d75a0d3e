//! The same objects in both encodings, and messages that are cut off or mean.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::super::list::protobuf_row;
use super::super::{NoPage, Page, Project, page};
use super::schema::{LIST_META, STATUS, Value};
use super::{MAGIC, Message, message};
use crate::fleet::{Delta, Interner, Kind};
use crate::source::kube::decode::Undecodable;
use crate::units::{Time, quantity};

/// The row of an object of JSON that went through protobuf.
pub(in super::super) fn row_by_way_of_protobuf<P: Project>(message: &'static Message, json: &[u8]) -> P::Row {
    let json: Json = serde_json::from_slice(json).expect("JSON");
    protobuf_row::<P>(message, &encoded(message, &json), &mut Interner::default()).expect("a row")
}

/// A message as the API server writes it of an object of JSON, as far as its fields are known.
fn encoded(message: &'static Message, object: &Json) -> Vec<u8> {
    let mut fields: Vec<(u32, Vec<u8>)> = Vec::new();
    for (name, json) in object.as_object().expect("an object") {
        if let Some(field) = message.named(name).filter(|_| !json.is_null()) {
            fields.push((field.number, encoded_field(field.number, field.value, json)));
        }
    }
    // In JSON a volume has its source in itself.
    if let Some(Value::Object(source)) = message.named("volumeSource").map(|field| field.value) {
        fields.push((2, delimited(2, &encoded(source, object))));
    }
    fields.sort_by_key(|(number, _)| *number);
    fields.into_iter().flat_map(|(_, bytes)| bytes).collect()
}

fn encoded_field(number: u32, value: Value, json: &Json) -> Vec<u8> {
    match value {
        Value::Int => tagged(number, json.as_i64().expect("a whole number").cast_unsigned()),
        Value::Bool => tagged(number, u64::from(json.as_bool().expect("a truth value"))),
        Value::Text | Value::Quantity if json.is_number() => encoded_field(number, value, &json.to_string().into()),
        Value::Text => delimited(number, json.as_str().expect("a text").as_bytes()),
        Value::Quantity => delimited(number, &delimited(1, json.as_str().expect("a quantity").as_bytes())),
        Value::IntOrText => delimited(number, &int_or_text(json)),
        Value::Time => delimited(number, &time(json.as_str().expect("a time"))),
        Value::Object(message) => delimited(number, &encoded(message, json)),
        Value::List(element) => {
            json.as_array().expect("a list").iter().flat_map(|one| encoded_field(number, *element, one)).collect()
        }
        Value::Map(value) => json
            .as_object()
            .expect("a map")
            .iter()
            .flat_map(|(key, one)| {
                delimited(number, &[delimited(1, key.as_bytes()), encoded_field(2, *value, one)].concat())
            })
            .collect(),
    }
}

/// As the API server writes it: always all three fields.
fn int_or_text(json: &Json) -> Vec<u8> {
    let (int, text) = (json.as_i64().unwrap_or(0).cast_unsigned(), json.as_str().unwrap_or(""));
    [tagged(1, u64::from(json.is_string())), tagged(2, int), delimited(3, text.as_bytes())].concat()
}

fn time(text: &str) -> Vec<u8> {
    let micros = Time::parse(text).expect("a time").micros();
    let nanos = micros.rem_euclid(1_000_000) * 1_000;
    [tagged(1, micros.div_euclid(1_000_000).cast_unsigned()), tagged(2, nanos.cast_unsigned())].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}

fn tagged(number: u32, value: u64) -> Vec<u8> {
    [varint(u64::from(number) << 3), varint(value)].concat()
}

fn delimited(number: u32, bytes: &[u8]) -> Vec<u8> {
    [varint(u64::from(number) << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn body(api_version: &str, kind: &str, object: &[u8]) -> Vec<u8> {
    let type_meta = [delimited(1, api_version.as_bytes()), delimited(2, kind.as_bytes())].concat();
    [MAGIC, &delimited(1, &type_meta), &delimited(2, object), &delimited(3, b""), &delimited(4, b"")].concat()
}

fn list(kind: Kind, metadata: &Json, items: &[Json]) -> Vec<u8> {
    let message = message(kind).expect("a message");
    let items = items.iter().flat_map(|item| delimited(2, &encoded(message, item)));
    delimited(1, &encoded(&LIST_META, metadata)).into_iter().chain(items).collect()
}

fn pod(name: &str) -> Json {
    serde_json::json!({
        "metadata": {"name": name, "namespace": "ml", "uid": format!("u-{name}"), "resourceVersion": "7",
            "creationTimestamp": "2026-11-21T10:00:00Z", "labels": {"a": "1", "b": "2"}},
        "spec": {"nodeName": "n1", "containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]},
        "status": {"phase": "Running"},
    })
}

fn pods() -> Vec<u8> {
    let metadata = serde_json::json!({"resourceVersion": "12", "continue": "next"});
    body("v1", "PodList", &list(Kind::Pod, &metadata, &[pod("a"), pod("b")]))
}

fn read(kind: Kind, body: &[u8]) -> (Result<Page, NoPage>, u64) {
    let mut undecodable = Undecodable::default();
    let page = page(kind, body, &mut Interner::default(), &mut undecodable);
    (page, undecodable.count())
}

#[test]
fn a_page_in_protobuf_is_that_of_json() {
    let json = serde_json::json!({"kind": "PodList", "apiVersion": "v1",
        "metadata": {"resourceVersion": "12", "continue": "next"}, "items": [pod("a"), pod("b")]});
    let (wanted, found) = (read(Kind::Pod, json.to_string().as_bytes()), read(Kind::Pod, &pods()));
    let (wanted, found) = (wanted.0.expect("JSON"), found.0.expect("protobuf"));
    assert_eq!(found.deltas, wanted.deltas);
    assert_eq!((found.objects, &*found.resource_version, &*found.continue_token), (2, "12", "next"));
}

#[test]
fn a_page_that_is_cut_off_anywhere_is_no_page() {
    let whole = pods();
    for length in MAGIC.len()..whole.len() {
        let page = read(Kind::Pod, &whole[..length]).0;
        // What comes behind the object is empty; without it the answer is whole.
        let is_whole = page.as_ref().is_ok_and(|page| page.objects == 2);
        assert!(
            is_whole == (length >= whole.len() - 4) || page.is_err(),
            "{length} of {} bytes: {page:?}",
            whole.len()
        );
    }
}

#[test]
fn an_object_that_cannot_be_decoded_does_not_fail_its_page() {
    let metadata = delimited(1, &encoded(&LIST_META, &serde_json::json!({"resourceVersion": "12"})));
    let message = message(Kind::Pod).expect("a message");
    let mut odd = pod("odd");
    odd["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "lots".into();
    let late = delimited(1, &[encoded(message, &odd), delimited(8, &tagged(1, 1_u64 << 62))].concat());
    for item in [encoded(message, &odd), late, b"\x0a\xff".to_vec(), tagged(1, 1), delimited(1, b"\xff\xff")] {
        let items = [delimited(2, &item), delimited(2, &encoded(message, &pod("good")))].concat();
        let (page, undecodable) = read(Kind::Pod, &body("v1", "PodList", &[metadata.clone(), items].concat()));
        let page = page.expect("a page");
        let [Delta::Pods(changes)] = &page.deltas[..] else { panic!("{:?}", page.deltas) };
        assert_eq!((page.objects, changes.len(), undecodable), (2, 1, 1), "{item:x?}");
    }
}

#[test]
fn a_text_that_was_cut_in_mid_character_does_not_hide_its_object() {
    let message = message(Kind::Pod).expect("a message");
    let metadata = delimited(1, &encoded(&LIST_META, &serde_json::json!({"resourceVersion": "12"})));
    let mut bare = pod("cut");
    bare["status"] = Json::Null;
    let status = [delimited(1, b"Running"), delimited(4, b"caf\xc3")].concat();
    let item = delimited(2, &[encoded(message, &bare), delimited(3, &status)].concat());
    let (page, undecodable) = read(Kind::Pod, &body("v1", "PodList", &[metadata, item].concat()));
    let [Delta::Pods(changes)] = &page.expect("a page").deltas[..] else { panic!("pods") };
    let [crate::fleet::Change::Upsert(row)] = &changes[..] else { panic!("a pod") };
    assert_eq!((&*row.status, undecodable), ("caf\u{fffd}", 0));
}

#[test]
fn only_a_list_of_the_requested_kind_with_metadata_is_a_page() {
    let metadata = delimited(1, &encoded(&LIST_META, &serde_json::json!({"resourceVersion": "12"})));
    let words = |kind, body: &[u8]| match read(kind, body).0 {
        Ok(page) => format!("{} objects", page.objects),
        Err(NoPage::Other(words)) => words,
        Err(other) => format!("{other:?}"),
    };
    assert_eq!(words(Kind::Pod, &body("v1", "PodList", &metadata)), "0 objects");
    assert_eq!(words(Kind::Pod, &body("v1", "PodList", b"")), "a list without metadata");
    assert_eq!(words(Kind::Pod, &body("v1", "NodeList", &metadata)), "a NodeList of v1");
    assert_eq!(words(Kind::Pod, &body("", "", &metadata)), "an object without kind");
    let partial = body("meta.k8s.io/v1", "PartialObjectMetadataList", &metadata);
    assert_eq!(words(Kind::ReplicaSet, &partial), "0 objects");
    assert_eq!(
        words(Kind::NodePool, &body("karpenter.sh/v1", "NodePoolList", &metadata)),
        "a NodePoolList of karpenter.sh/v1"
    );
}

#[test]
fn a_status_in_protobuf_is_read_wherever_one_may_come() {
    let status = serde_json::json!({"message": "too old", "reason": "Expired", "code": 410});
    let body = body("v1", "Status", &encoded(&STATUS, &status));
    let Err(NoPage::Status(found)) = read(Kind::Pod, &body).0 else { panic!("a Status") };
    assert_eq!((found.code, &*found.message, &*found.reason), (410, "too old", "Expired"));
    assert_eq!(super::super::status(&body), Some(found));
}

#[test]
fn a_list_of_more_elements_than_any_object_has_is_refused() {
    let message = message(Kind::Pod).expect("a message");
    let metadata = delimited(1, &encoded(&LIST_META, &serde_json::json!({"resourceVersion": "12"})));
    let mut bare = pod("many");
    bare["status"] = Json::Null;
    for (elements, wanted) in [(10_000, 0), (10_001, 1)] {
        let conditions = delimited(2, b"").repeat(elements);
        let item = delimited(2, &[encoded(message, &bare), delimited(3, &conditions)].concat());
        let (page, undecodable) = read(Kind::Pod, &body("v1", "PodList", &[metadata.clone(), item].concat()));
        assert_eq!((page.is_ok(), undecodable), (true, wanted), "{elements} conditions");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in vec(any::<u8>(), 0..400), at in 0..400_usize, byte: u8) {
        for kind in Kind::ALL {
            let _ = read(kind, &[MAGIC, &bytes].concat());
            let _ = read(kind, &body("v1", &format!("{}List", kind.spec().name), &bytes));
        }
        let mut broken = pods();
        let at = at % broken.len();
        broken[at] = byte;
        let _ = read(Kind::Pod, &broken);
    }

    #[test]
    fn quantities_are_the_same_in_both_encodings(millis in 0_i64..1_000_000_000) {
        let mut one = pod("q");
        one["spec"]["containers"][0]["resources"]["requests"]["cpu"] = format!("{millis}m").into();
        let found = read(Kind::Pod, &body("v1", "PodList", &list(Kind::Pod, &serde_json::json!({}), &[one]))).0;
        let Ok(Page { deltas, .. }) = found else { panic!("a page") };
        let [Delta::Pods(changes)] = &deltas[..] else { panic!("pods") };
        let [crate::fleet::Change::Upsert(row)] = &changes[..] else { panic!("a pod") };
        prop_assert_eq!(Some(row.requests.cpu_millis), quantity::millis(&format!("{millis}m")));
    }
}
