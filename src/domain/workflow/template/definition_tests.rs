use super::*;
use crate::domain::action::Action;
use crate::domain::action::fixtures::{deployment, diagnosis};
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::evidence::{Answer, Gathered, Progress, Read};
use crate::domain::id::ClusterId;
use crate::domain::operation::Operation;
use crate::domain::policy::Policy;
use crate::domain::workflow::compile::{PlanRequest, compile};
use crate::domain::workflow::plan::{Plan, StepKind};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const DUMP: &str = "
name: dump
version: 1
summary: dumps
implements: back_up_data
enabled: true
parameters:
  - {name: database, type: string, default: app}
job:
  namespace: ${target.namespace}
  image: tools:1
  argv: [pg_dump, '--dbname=${params.database}', '$(HOME)']
  timeout: 10m
  env_from_secrets: [login]
  claims: [{claim: dumps, path: /dumps}]
check: {describe: it is fine, until: 'object.spec.replicas > 0'}
undo: delete the file
";

fn with(text: &str) -> Library {
    let images = BTreeSet::from(["tools:1".to_string()]);
    Library::load_with(&[], &[("mine.yaml".into(), text.to_string())], &images)
}

fn said(library: &Library) -> Vec<String> {
    library.problems.iter().map(ToString::to_string).collect()
}

/// The plan, each read answered by `answer`.
fn plan(
    library: &Library,
    name: &str,
    params: &BTreeMap<String, Value>,
    answer: impl Fn(&Read) -> Answer,
) -> Result<Plan, String> {
    let object = deployment();
    let diagnosis = diagnosis(&object, Pattern::Generic, Cause::Unknown, json!({}));
    let mut gathered = Gathered::default();
    let request = PlanRequest {
        cluster: &ClusterId::new("c"),
        diagnosis: &diagnosis,
        library,
        template: &library.templates[name],
        overrides: params,
        policy: &Policy::default(),
        now: diagnosis.at,
    };
    for _ in 0..8 {
        match compile(&request, &gathered).map_err(|error| error.to_string())? {
            Progress::Ready(plan) => return Ok(plan),
            Progress::Need(reads) => {
                for read in reads {
                    let own = matches!(&read, Read::Object(key) if key.kind == "Deployment");
                    let found = if own { Answer::Object(object.clone()) } else { answer(&read) };
                    gathered.answers.insert(read, found);
                }
            }
        }
    }
    panic!("it asks for ever")
}

fn empty(_: &Read) -> Answer {
    Answer::Items { items: Vec::new(), complete: true }
}

#[test]
fn a_definition_becomes_a_template_whose_job_is_waited_for_and_whose_output_is_kept() {
    let library = with(DUMP);
    assert_eq!(said(&library), Vec::<String>::new());
    assert_eq!(library.definitions["dump"].implements, Action::BackUpData);
    let params = BTreeMap::from([("database".to_string(), json!("a; rm -rf /"))]);
    let plan = plan(&library, "dump", &params, empty).unwrap();
    let ids = plan.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>();
    assert_eq!(ids, ["run", "ended", "output", "succeeded", "check"]);
    let Operation::Create { object, manifest } = &plan.steps[0].operations()[0].operation else {
        panic!("{plan:?}")
    };
    let container = &manifest["spec"]["template"]["spec"]["containers"][0];
    // One argument stays one, and no text of ours becomes a reference to a variable.
    assert_eq!(container["command"], json!(["pg_dump", "--dbname=a; rm -rf /", "$$(HOME)"]));
    assert_eq!(manifest["spec"]["backoffLimit"], 0);
    assert_eq!(manifest["spec"]["activeDeadlineSeconds"], 600);
    let StepKind::WaitFor { condition } = &plan.steps[1].kind else { panic!("{plan:?}") };
    assert_eq!(condition.object, *object, "the wait is for what was made");
    assert_eq!(plan.risk.word(), "high", "medium, and it can't be previewed");
}

#[test]
fn the_same_plan_has_the_same_name_until_it_was_run() {
    let library = with(DUMP);
    let none = BTreeMap::new();
    let name = |plan: &Plan| plan.steps[0].operations()[0].operation.key().unwrap().name.clone();
    let first = plan(&library, "dump", &none, empty).unwrap();
    let again = plan(&library, "dump", &none, empty).unwrap();
    assert_eq!(first.digest, again.digest);
    let ran = name(&first);
    assert!(ran.starts_with("dump-") && ran.ends_with("-1"), "{ran}");
    let next = plan(&library, "dump", &none, |read| {
        let jobs = matches!(read, Read::List { kind, .. } if kind == "Job");
        let items = if jobs { vec![json!({"metadata": {"name": ran}})] } else { Vec::new() };
        Answer::Items { items, complete: true }
    });
    assert!(name(&next.unwrap()).ends_with("-2"));
}

#[test]
fn what_is_not_enabled_or_not_allowed_is_no_template() {
    let off = with(&DUMP.replace("enabled: true", "enabled: false"));
    assert!(!off.templates.contains_key("dump") && off.definitions.contains_key("dump"));
    let other = with(&DUMP.replace("tools:1", "tools:2"));
    assert!(!other.templates.contains_key("dump"));
    assert!(said(&other)[0].starts_with("mine.yaml:11:10: image tools:2"), "{:?}", said(&other));
    let taken = with(&DUMP.replace("name: dump", "name: drain-node"));
    assert!(said(&taken)[0].contains("there is another template"), "{:?}", said(&taken));
}

#[test]
fn each_mistake_of_a_definition_is_said_with_its_place() {
    for (from, to, place, says) in [
        ("implements: back_up_data", "implements: restart_pod", "5:13", "can't be `restart_pod`"),
        ("implements: back_up_data", "implments: back_up_data", "5:1", "did you mean `implements`"),
        ("timeout: 10m", "timeout: 0s", "13:12", "from 1s to 24h"),
        ("image: tools:1", "image: '${params.database}'", "11:10", "fixed, not computed"),
        ("[pg_dump, ", "['${params.database}', ", "12:10", "the program is fixed"),
        ("[pg_dump, '", "[/bin/sh, -c, 'echo ", "12:23", "part of a shell's script"),
        ("params.database", "params.databse", "12:31", "did you mean `database`"),
        ("object.spec.replicas > 0", "objct.spec", "16:39", "there is no `objct`"),
        ("undo: delete the file", "", "2:1", "has no `undo`"),
        ("job:", "exec:", "9:1", ""),
    ] {
        let text = DUMP.replacen(from, to, 1);
        let problems = said(&with(&text));
        let found = problems.iter().any(|problem| {
            problem.contains(says) && (says.is_empty() || problem.contains(&format!(":{place}:")))
        });
        assert!(found, "{to}: {place} {says} in {problems:#?}");
    }
}

#[test]
fn a_kind_that_the_cluster_does_not_serve_is_named_before_anything_is_proposed() {
    let text = "
name: snap
version: 1
summary: snapshots
implements: back_up_data
enabled: true
parameters: [{name: claim, type: string, default: data}]
create:
  namespace: ${target.namespace}
  manifest:
    apiVersion: snapshot.storage.k8s.io/v1
    kind: VolumeSnapshot
    spec: {source: {persistentVolumeClaimName: '${params.claim}'}}
check: {describe: usable, until: 'object.?status.?readyToUse.orValue(false)'}
undo: delete it
";
    let library = with(text);
    assert_eq!(said(&library), Vec::<String>::new());
    let none = BTreeMap::new();
    let why = plan(&library, "snap", &none, |read| {
        let wanted = matches!(read, Read::List { kind, .. } if kind == "VolumeSnapshot");
        if wanted { Answer::NotFound } else { empty(read) }
    });
    assert!(why.unwrap_err().contains("serves no VolumeSnapshot (snapshot.storage.k8s.io/v1)"));
    let plan = plan(&library, "snap", &none, empty).unwrap();
    let Operation::Create { manifest, .. } = &plan.steps[0].operations()[0].operation else {
        panic!("{plan:?}")
    };
    assert_eq!(manifest["spec"]["source"]["persistentVolumeClaimName"], "data");
    let StepKind::WaitFor { condition } = &plan.steps[1].kind else { panic!("{plan:?}") };
    assert_eq!(condition.object.kind, "VolumeSnapshot");
}

#[test]
fn every_example_loads_and_none_is_enabled() {
    for (name, text) in EXAMPLES {
        assert!(is_definition(name, text), "{name}");
        let (definition, _) = parse_definition(name, text).unwrap_or_else(|e| panic!("{e:#?}"));
        assert_eq!(definition.template.reference.name, *name);
        assert!(!definition.enabled, "{name}");
        let on = with(&text.replace("enabled: false", "enabled: true"));
        let image = said(&on).iter().all(|said| said.contains("is not in `actions.images`"));
        assert!(image, "{name}: {:?}", said(&on));
    }
}

#[test]
fn a_template_calls_a_definition_by_its_name_and_never_the_action_itself() {
    let mine = "name: mine\nversion: 1\nsummary: s\nsteps: [{id: a, subflow: dump, with: {database: x}}]\n";
    let images = BTreeSet::from(["tools:1".to_string()]);
    let files = [("t.yaml".to_string(), mine.to_string())];
    let library = Library::load_with(&files, &[("d.yaml".into(), DUMP.into())], &images);
    assert_eq!(said(&library), Vec::<String>::new());
    let direct = mine.replace("subflow: dump, with: {database: x}", "action: back_up_data");
    let library = Library::load(&[("t.yaml".to_string(), direct)]);
    assert!(said(&library)[0].contains("write `subflow: NAME`"), "{:?}", said(&library));
}
