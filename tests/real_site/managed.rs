//! A change that somebody would put back is handed over, or made while the keeper is suspended.

use crate::keeper::{Keeper, define};
use crate::world::{Environment, World, hold};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SUSPEND: [(&str, &str); 1] = [("PILOTHOUSE_POLICY_MANAGED", "suspend")];
const NEEDS: u64 = 66_000_000;

fn heals(application: &Value) -> bool {
    application["spec"]["syncPolicy"]["automated"]["selfHeal"] == true
}

/// A Deployment that needs more memory than its source gives it, kept by an Argo CD application.
fn kept_by_argo(world: &World) -> Keeper {
    define(world, "argoproj.io", "v1alpha1", "Application", "applications");
    world.apply(&json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "shop"},
        "spec": {"source": {"repoURL": "https://git.example/shop.git", "path": "apps/ledger",
            "targetRevision": "main"},
            "syncPolicy": {"automated": {"selfHeal": true, "prune": true}}}}));
    let mut source = world.deployment("ledger-api", 1, &hold(NEEDS), Some("64Mi"));
    // As Argo CD names applications outside its own namespace.
    source["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id":
        format!("{0}_shop:apps/Deployment:{0}/ledger-api", world.namespace)});
    Keeper::start(world, "argocd-controller", "applications.argoproj.io/shop", heals, source)
}

fn limit(world: &World) -> Value {
    let live = world.get("deploy", "ledger-api");
    live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"].clone()
}

#[test]
fn a_change_that_lasts_is_handed_over_with_the_patch_and_never_made_behind_argo_cd() {
    let Some(environment) = Environment::find("a managed object is handed over") else { return };
    let more = "[approval]\nwithout_terminal = \"medium\"\n";
    let mut world = World::new(&environment, "argo-source", more);
    world.start_engine();
    let keeper = kept_by_argo(&world);
    let case = world.wait_for("the hand-over", 150, |case| case["state"] == "closed");
    assert_eq!(case["verdict"]["outcome"], "handed_over", "{case:#}");
    let told = case.to_string();
    for part in
        ["https://git.example/shop.git", "apps/ledger", "Patch to commit", "memory: \\\"128Mi\\\""]
    {
        assert!(told.contains(part), "{part} is not told: {told}");
    }
    assert_eq!(limit(&world), "64Mi", "nothing was changed");
    assert!(keeper.syncs() > 0);
    world.audit();
}

#[test]
fn with_argo_cd_suspended_the_change_stands_until_the_verdict_and_the_next_engine_resumes_it() {
    let Some(environment) = Environment::find("Argo CD is suspended and resumed") else { return };
    let mut world =
        World::new(&environment, "argo-suspend", "[approval]\nwithout_terminal = \"medium\"\n");
    world.start_engine_with(&SUSPEND);
    let keeper = kept_by_argo(&world);
    let case = world.wait_for("a plan", 150, |case| case["state"] == "awaiting_approval");
    let first = &case["plan"]["steps"][0];
    assert_eq!(first["action"], "suspend_sync", "{case:#}");
    let (code, out, err) = world.approve(&case);
    assert_eq!(code, 0, "{out}{err}");
    world.wait_for("the verification", 120, |case| case["state"] == "verifying");
    assert!(!heals(&world.get("applications.argoproj.io", "shop")), "it is suspended");
    assert_ne!(limit(&world), "64Mi", "the change stands");
    let syncs = keeper.syncs();
    world.kill_engine();
    std::thread::sleep(Duration::from_secs(3));
    assert_ne!(limit(&world), "64Mi", "the change stands while no engine runs");
    assert_eq!(keeper.syncs(), syncs, "the keeper applied nothing while it was suspended");
    world.start_engine_with(&SUSPEND);
    let case = world.wait_for("the verdict", 240, |case| case["state"] == "closed");
    assert_eq!(
        case["verdict"]["outcome"],
        "effective",
        "{}",
        world.picture(std::slice::from_ref(&case))
    );
    let application = world.get("applications.argoproj.io", "shop");
    assert_eq!(
        application["spec"]["syncPolicy"]["automated"],
        json!({"selfHeal": true, "prune": true}),
        "it is resumed as it was"
    );
    // And the keeper lives: it puts its own value back, as the card said.
    let deadline = Instant::now() + Duration::from_secs(20);
    while limit(&world) != "64Mi" {
        assert!(Instant::now() < deadline, "the keeper did not go on");
        std::thread::sleep(Duration::from_millis(500));
    }
    world.audit();
}

#[test]
fn a_flux_kustomization_is_found_with_its_repository() {
    let Some(environment) = Environment::find("a Flux object is handed over") else { return };
    let mut world = World::new(&environment, "flux-source", "");
    define(&world, "kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations");
    define(&world, "source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories");
    world.apply(&json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "fleet"},
        "spec": {"url": "ssh://git@git.example/fleet", "ref": {"branch": "main"}}}));
    world.apply(&json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "apps"},
        "spec": {"path": "./clusters/test", "sourceRef": {"kind": "GitRepository", "name": "fleet"}}}));
    world.start_engine();
    let mut source = world.deployment("ledger-api", 1, &hold(NEEDS), Some("64Mi"));
    source["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": world.namespace});
    let watched = "kustomizations.kustomize.toolkit.fluxcd.io/apps";
    let active = |live: &Value| live["spec"]["suspend"] != true;
    let _keeper = Keeper::start(&world, "kustomize-controller", watched, active, source);
    let case = world.wait_for("the hand-over", 150, |case| case["state"] == "closed");
    assert_eq!(case["verdict"]["outcome"], "handed_over", "{case:#}");
    let told = case.to_string();
    for part in
        ["ssh://git@git.example/fleet", "branch: main", "./clusters/test", "Patch to commit"]
    {
        assert!(told.contains(part), "{part} is not told: {told}");
    }
    world.audit();
}
