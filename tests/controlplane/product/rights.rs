//! What batchtop needs, and what it does with less.

use libtest_mimic::Trial;
use serde_json::Value;

use super::program::Program;
use crate::bed::{Bed, Result};
use crate::shared::{api_only, trial};
use crate::tests_bed::{ensure, equal};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("rights::the_printed_roles_are_enough_and_no_more", the_printed_roles_are_enough_and_no_more),
        trial("rights::without_any_right_it_says_which_is_missing", without_any_right_it_says_which_is_missing),
        trial("rights::one_namespace_is_enough_for_its_pods", one_namespace_is_enough_for_its_pods),
    ]
}

/// A user with a ClusterRole that batchtop printed.
fn user_with_role(bed: &Bed, role: &str) -> Result<(String, Program)> {
    let user = bed.unique(role);
    let program = Program::new(bed.kubeconfig_for(&user, None)?)?;
    bed.apply_yaml(&program.run(&["rbac", role])?.out)?;
    let role = format!("--clusterrole=batchtop-{role}");
    bed.kubectl(&["create", "clusterrolebinding", &user, &role, &format!("--user={user}")])?;
    Ok((user, program))
}

fn may(bed: &Bed, user: &str, verb: &str, resource: &str) -> Result<bool> {
    // `can-i` ends with 1 for no; the answer is on standard output.
    let output = bed.kubectl_as(&bed.admin_kubeconfig(), &["auth", "can-i", verb, resource, "-A", "--as", user], "")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim() == "yes")
}

fn may_evict(bed: &Bed, user: &str) -> Result<bool> {
    let question = ["auth", "can-i", "create", "pods", "--subresource=eviction", "-A", "--as", user];
    let output = bed.kubectl_as(&bed.admin_kubeconfig(), &question, "")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim() == "yes")
}

fn the_printed_roles_are_enough_and_no_more() -> Result<()> {
    let bed = api_only()?;
    for (role, patches) in [("viewer", false), ("operator", true)] {
        let (user, program) = user_with_role(&bed, role)?;
        let document = program.snapshot(&["--strict"])?;
        // Stale: listed, but a fresh definition's watch is not served yet ("storage is (re)initializing").
        let read = ["Live", "Stale", "Absent"].map(Value::from);
        let sources = document["sources"].as_array().into_iter().flatten();
        let incomplete: Vec<&Value> = sources.filter(|source| !read.contains(&source["state"])).collect();
        ensure(incomplete.is_empty(), || format!("{incomplete:?}"))?;
        equal(&may(&bed, &user, "patch", "pods")?, &patches)?;
        equal(&may(&bed, &user, "patch", "nodes")?, &patches)?;
        equal(&may_evict(&bed, &user)?, &patches)?;
        equal(&may(&bed, &user, "delete", "pods")?, &false)?;
        equal(&may(&bed, &user, "get", "secrets")?, &false)?;
    }
    Ok(())
}

fn without_any_right_it_says_which_is_missing() -> Result<()> {
    let bed = api_only()?;
    let program = Program::new(bed.kubeconfig_for(&bed.unique("nobody"), None)?)?;
    let run = program.run(&["snapshot", "--timeout", "20s"])?;
    equal(&run.code, &Some(3))?;
    ensure(run.err.contains("cannot list resource \"nodes\""), || run.err.clone())?;
    ensure(run.err.contains("rbac viewer"), || run.err.clone())
}

fn one_namespace_is_enough_for_its_pods() -> Result<()> {
    let bed = api_only()?;
    let namespace = bed.namespace("mine")?;
    let user = bed.unique("narrow");
    let scope = format!("--namespace={namespace}");
    let pod = serde_json::json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "only"},
        "spec": {"containers": [{"name": "main", "image": "registry.example/work:1"}]}});
    bed.api().create(&namespace.core("pods"), &pod)?;
    bed.kubectl(&["create", "role", "see", "--verb=list,watch,get", "--resource=pods", &scope])?;
    bed.kubectl(&["create", "rolebinding", "see", "--role=see", &format!("--user={user}"), &scope])?;
    let nodes = bed.unique("nodes");
    bed.kubectl(&["create", "clusterrole", &nodes, "--verb=list,watch,get", "--resource=nodes"])?;
    let role = format!("--clusterrole={nodes}");
    bed.kubectl(&["create", "clusterrolebinding", &nodes, &role, &format!("--user={user}")])?;
    let program = Program::new(bed.kubeconfig_for(&user, None)?)?;
    let document = program.snapshot(&["-n", &namespace, "--timeout", "20s"])?;
    equal(&document["pods"].as_array().map_or(0, Vec::len), &1)?;
    let message = document["sources"].as_array().into_iter().flatten().find(|source| source["name"] == "pods");
    let message = message.map_or(Value::Null, |source| source["message"].clone());
    ensure(message.as_str().is_some_and(|text| text.contains(&*namespace)), || format!("{message}"))
}
