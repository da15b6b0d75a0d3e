//! A Job's life as a person at the terminal sees it, and the annotation that this person writes.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::program::Program;
use crate::bed::{Bed, BedOptions, Context, JobSpec, Namespace, NodePoolSpec, PodSpec, Result, annotation};
use crate::pty::Session;
use crate::shared::trial;
use crate::tests_bed::{ensure, equal};

const PATIENCE: Duration = Duration::from_mins(2);
const DO_NOT_DISRUPT: &str = "/metadata/annotations/karpenter.sh~1do-not-disrupt";

pub fn trials() -> Vec<Trial> {
    vec![trial("story::a_job_comes_is_protected_and_goes", a_job_comes_is_protected_and_goes)]
}

fn a_job_comes_is_protected_and_goes() -> Result<()> {
    let bed = Bed::start(&BedOptions::full())?;
    let spec = NodePoolSpec::new("story").instance_types(&["g5.xlarge"]).consolidate_after("5s");
    let pool = bed.node_pool(spec.budget(json!({"nodes": "100%"})))?;
    let namespace = bed.namespace("story")?;
    let program = Program::new(bed.admin_kubeconfig())?;
    let mut screen = program.dashboard(&[], (160, 40));
    screen.wait_for("live");

    bed.apply(&JobSpec::new(&namespace, "train", PodSpec::new().gpus(1).on_pool(&pool)).build())?;
    screen.wait_for("g5.xlarge");
    screen.wait_until("the node at work", |text| text.contains("1/1"));
    screen.send("3/train\r");
    screen.wait_until("the running pod", |text| text.contains("train-") && text.contains("Running"));

    protect(&bed, &namespace, &mut screen)?;
    karpenter_reports_it_on_screen(&bed, &mut screen)?;
    unprotect_and_undo(&bed, &namespace, &mut screen)?;
    the_journal_tells_the_story(&bed, &program)?;

    screen.send("1");
    bed.annotate_pods_of_job(&namespace, "train", "karpenter.sh/do-not-disrupt", "")?;
    bed.annotate_pods_of_job(&namespace, "train", annotation::COMPLETE, "now")?;
    screen.wait_until("an empty Fleet", |text| !text.contains("g5.xlarge"));
    screen.send("q");
    let (status, _) = screen.wait();
    ensure(status.success(), || format!("{status:?}"))
}

fn annotation_of(bed: &Bed, namespace: &Namespace<'_>) -> Result<Option<String>> {
    let pods = bed.pods_of_job(namespace, "train")?;
    let pod = pods.first().context("the Job has a pod")?;
    Ok(pod.pointer(DO_NOT_DISRUPT).and_then(Value::as_str).map(str::to_owned))
}

fn wait_for_annotation(bed: &Bed, namespace: &Namespace<'_>, wanted: Option<&str>) -> Result<()> {
    bed.wait_for(&format!("annotation {wanted:?}"), PATIENCE, || {
        Ok((annotation_of(bed, namespace)?.as_deref() == wanted).then_some(()))
    })
}

fn protect(bed: &Bed, namespace: &Namespace<'_>, screen: &mut Session) -> Result<()> {
    screen.send("p");
    let dialog = screen.wait_for("until finished");
    ensure(dialog.contains("train-"), || format!("the dialog names the pod:\n{dialog}"))?;
    equal(&annotation_of(bed, namespace)?, &None)?;
    screen.send("\r");
    wait_for_annotation(bed, namespace, Some("true"))
}

/// Karpenter repeats an Event on one object only after two minutes; a restarted one decides afresh.
fn karpenter_reports_it_on_screen(bed: &Bed, screen: &mut Session) -> Result<()> {
    bed.stop_karpenter()?;
    bed.start_karpenter()?;
    screen.send("5v/do-not-disrupt\r");
    screen.wait_for("DisruptionBlocked");
    screen.send("\u{1b}");
    // A key right behind escape would be taken for alt and that key.
    screen.wait_until("the filter to be gone", |text| !text.contains("filter do-not-disrupt"));
    screen.send("3");
    screen.wait_for("train-");
    Ok(())
}

fn unprotect_and_undo(bed: &Bed, namespace: &Namespace<'_>, screen: &mut Session) -> Result<()> {
    screen.send("u");
    screen.wait_for("enter do it");
    screen.send("\r");
    // What is not answered yet cannot be undone, and the annotation may be seen before the answer.
    screen.wait_for("unprotected ");
    wait_for_annotation(bed, namespace, None)?;
    screen.send("U");
    screen.wait_for("enter do it");
    screen.send("\r");
    wait_for_annotation(bed, namespace, Some("true"))
}

/// A result is written after the server has answered: the annotation may be seen before it.
fn the_journal_tells_the_story(bed: &Bed, program: &Program) -> Result<()> {
    let entries = bed.wait_for("six lines in the journal", PATIENCE, || {
        let entries = program.journal()?;
        Ok((entries.len() >= 6).then_some(entries))
    })?;
    let told: Vec<[&Value; 5]> = entries
        .iter()
        .map(|entry| [&entry["stage"], &entry["verb"], &entry["from"], &entry["to"], &entry["outcome"]])
        .collect();
    let (done, none, yes) = (json!("done"), Value::Null, json!("true"));
    let verbs = [json!("protect"), json!("unprotect"), json!("undo")];
    let (intent, result) = (json!("intent"), json!("result"));
    let wanted = vec![
        [&intent, &verbs[0], &none, &yes, &none],
        [&result, &verbs[0], &none, &yes, &done],
        [&intent, &verbs[1], &yes, &none, &none],
        [&result, &verbs[1], &yes, &none, &done],
        [&intent, &verbs[2], &none, &yes, &none],
        [&result, &verbs[2], &none, &yes, &done],
    ];
    equal(&told, &wanted)
}
