//! core/v1 Event, in the two styles of client-go's recorders.

use serde_json::{Value, json};

use super::super::events::{Recorder, home};
use super::super::model::EventId;
use super::super::world::World;
use super::{metadata, stamp};
use crate::units::Time;

fn component(recorder: &Recorder) -> &'static str {
    match recorder {
        Recorder::Karpenter => "karpenter",
        Recorder::Scheduler => "default-scheduler",
        Recorder::Kubelet(_) => "kubelet",
        Recorder::Jobs => "job-controller",
        Recorder::Crons => "cronjob-controller",
        Recorder::ReplicaSets => "replicaset-controller",
        Recorder::Nodes => "node-controller",
    }
}

impl World {
    pub(super) fn render_event(&self, id: EventId) -> Option<Value> {
        let event = self.events.events.get(&id)?;
        let subject = &event.subject;
        let component = component(&event.recorder);
        let mut value = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": metadata(&event.identity, home(subject), &event.name),
            "involvedObject": {
                "apiVersion": subject.api_version,
                "kind": subject.kind,
                "namespace": (!subject.namespace.is_empty()).then_some(&subject.namespace),
                "name": subject.name,
                // The kubelet uses the node's name where others use its uid.
                "uid": match (&event.recorder, subject.kind) {
                    (Recorder::Kubelet(_), "Node") => &subject.name,
                    _ => &subject.uid,
                },
                "fieldPath": subject.field,
            },
            "type": if event.text.warning { "Warning" } else { "Normal" },
            "reason": event.text.reason,
            "message": event.text.message,
            "reportingComponent": component,
            "reportingInstance": "",
        });
        if event.recorder == Recorder::Scheduler {
            let at = Time::from_seconds(event.first).plus_micros(event.micros);
            value["action"] = json!(if event.text.warning { "Scheduling" } else { "Binding" });
            value["eventTime"] = json!(at.to_string());
            value["reportingInstance"] = json!("default-scheduler-ip-172-16-44-203.ec2.internal");
        } else {
            let host = match &event.recorder {
                Recorder::Kubelet(host) => Some(host),
                _ => None,
            };
            value["source"] = json!({ "component": component, "host": host });
            value["count"] = json!(event.count);
            value["firstTimestamp"] = json!(stamp(event.first));
            value["lastTimestamp"] = json!(stamp(event.last));
        }
        Some(value)
    }
}
