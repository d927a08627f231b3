//! All actions: the closed list, and where each is described.

use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::{
    audit_logs, budget, claim, collect, debug_mode, failed_pods, finalizer, heap_dump, migrate,
    network_components, network_policy, node, optimise, pod, probe, quarantine, restart, roll_back,
    rollout, rotate_secret, run_job, scale, service, set_resources, silence, site, suspend_sync,
};
use crate::domain::diagnosis::words;
use crate::domain::evidence::Progress;
use std::ops::Deref;

words!(
    /// An action of the catalogue. What it is stands in its [`ActionSpec`], in its own file; an action dereferences
    /// to it.
    Action {
        /// Change requests and limits of one container.
        SetResources = "set_resources",
        /// Go back to an earlier revision.
        RollBack = "roll_back",
        /// Replace all pods, as the workload's strategy has it.
        RestartWorkload = "restart_workload",
        /// How many pods.
        Scale = "scale",
        /// Bounds of an autoscaler.
        UpdateHpa = "update_hpa",
        /// One pod anew.
        RestartPod = "restart_pod",
        /// One pod goes elsewhere, within its budget.
        EvictPod = "evict_pod",
        /// Pods stay as they are.
        PauseRollout = "pause_rollout",
        /// Pods are replaced again.
        ResumeRollout = "resume_rollout",
        /// Requests from what was used.
        OptimiseResources = "optimise_resources",
        /// Timing of a probe.
        SetProbe = "set_probe",
        /// A node takes no more pods.
        Cordon = "cordon",
        /// A node takes pods again.
        Uncordon = "uncordon",
        /// One taint goes.
        RemoveTaint = "remove_taint",
        /// Pods of a workload leave a node.
        MigrateWorkload = "migrate_workload",
        /// More pods may be away.
        RelaxDisruptionBudget = "relax_disruption_budget",
        /// A pod is set aside, running.
        QuarantinePod = "quarantine_pod",
        /// Selector or port of a Service.
        RepairService = "repair_service",
        /// One more rule lets traffic through.
        UpdateNetworkPolicy = "update_network_policy",
        /// DNS, proxy or network plugin anew.
        RestartNetworkComponents = "restart_network_components",
        /// More room for a claim.
        ExpandPvc = "expand_pvc",
        /// What holds a deletion up goes.
        RemoveFinalizer = "remove_finalizer",
        /// Pods that have ended go.
        DeleteFailedPods = "delete_failed_pods",
        /// Keep Argo CD or Flux from putting changes back, until the case is closed.
        SuspendSync = "suspend_sync",
        /// Make another member of a database its primary.
        FailOverDatabase = "fail_over_database",
        /// Check or repair a database.
        RepairDatabase = "repair_database",
        /// Compact what a program stored.
        CompactStorage = "compact_storage",
        /// Back data up.
        BackUpData = "back_up_data",
        /// Reset a part of the service mesh.
        ResetServiceMesh = "reset_service_mesh",
        /// Delete files in declared paths.
        CleanUpStorage = "clean_up_storage",
        /// Run a Job.
        RunJob = "run_job",
        /// A program tells more, until the case ends.
        EnableDebugMode = "enable_debug_mode",
        /// What a program holds in memory.
        HeapDump = "heap_dump",
        /// Logs of all containers.
        AuditLogs = "audit_logs",
        /// New values for a Secret.
        RotateSecret = "rotate_secret",
        /// Alertmanager tells nobody for a while.
        SilenceAlert = "silence_alert",
        /// Read and keep what tells how things stood.
        CollectDiagnostics = "collect_diagnostics",
    }
);

impl Action {
    /// What it is.
    #[must_use]
    pub fn spec(self) -> &'static ActionSpec {
        match self {
            Self::SetResources => &set_resources::SPEC,
            Self::RollBack => &roll_back::SPEC,
            Self::RestartWorkload => &restart::SPEC,
            Self::Scale => &scale::SCALE,
            Self::UpdateHpa => &scale::UPDATE_HPA,
            Self::RestartPod => &pod::RESTART,
            Self::EvictPod => &pod::EVICT,
            Self::PauseRollout => &rollout::PAUSE,
            Self::ResumeRollout => &rollout::RESUME,
            Self::OptimiseResources => &optimise::SPEC,
            Self::SetProbe => &probe::SPEC,
            Self::Cordon => &node::CORDON,
            Self::Uncordon => &node::UNCORDON,
            Self::RemoveTaint => &node::REMOVE_TAINT,
            Self::MigrateWorkload => &migrate::SPEC,
            Self::RelaxDisruptionBudget => &budget::SPEC,
            Self::QuarantinePod => &quarantine::SPEC,
            Self::RepairService => &service::SPEC,
            Self::UpdateNetworkPolicy => &network_policy::SPEC,
            Self::RestartNetworkComponents => &network_components::SPEC,
            Self::ExpandPvc => &claim::SPEC,
            Self::RemoveFinalizer => &finalizer::SPEC,
            Self::DeleteFailedPods => &failed_pods::SPEC,
            Self::SuspendSync => &suspend_sync::SPEC,
            Self::FailOverDatabase => &site::FAIL_OVER_DATABASE,
            Self::RepairDatabase => &site::REPAIR_DATABASE,
            Self::CompactStorage => &site::COMPACT_STORAGE,
            Self::BackUpData => &site::BACK_UP_DATA,
            Self::ResetServiceMesh => &site::RESET_SERVICE_MESH,
            Self::CleanUpStorage => &site::CLEAN_UP_STORAGE,
            Self::RunJob => &run_job::SPEC,
            Self::EnableDebugMode => &debug_mode::SPEC,
            Self::HeapDump => &heap_dump::SPEC,
            Self::AuditLogs => &audit_logs::SPEC,
            Self::RotateSecret => &rotate_secret::SPEC,
            Self::SilenceAlert => &silence::SPEC,
            Self::CollectDiagnostics => &collect::SPEC,
        }
    }
}

impl Action {
    /// Those that a site's definition file can describe; all but [`Action::RunJob`] mean nothing without one.
    pub const DEFINABLE: &'static [Self] = &[
        Self::FailOverDatabase,
        Self::RepairDatabase,
        Self::CompactStorage,
        Self::BackUpData,
        Self::ResetServiceMesh,
        Self::CleanUpStorage,
        Self::RunJob,
    ];

    /// Whether it is nothing without a definition file of the site.
    #[must_use]
    pub fn needs_definition(self) -> bool {
        self != Self::RunJob && Self::DEFINABLE.contains(&self)
    }
}

/// Actions whose effect ends by itself: as its undo, once the case is closed in whatever way.
const ENDING: &[&str] = &["suspend_sync", "enable_debug_mode", "relax_disruption_budget"];

/// Whether what the action of that name did is taken back when the case ends, also after success.
#[must_use]
pub fn ends_with_case(action: &str) -> bool {
    ENDING.contains(&action)
}

impl Deref for Action {
    type Target = ActionSpec;

    fn deref(&self) -> &ActionSpec {
        self.spec()
    }
}

/// What the action comes down to, or what has to be read first.
///
/// # Errors
/// Why it can't be done to this target with these parameters.
pub fn compile(
    action: Action,
    request: &ActionRequest<'_>,
) -> Result<Progress<Compiled>, ActionError> {
    // What a definition hands over was checked when it was read.
    let defined = Action::DEFINABLE.contains(&action) && request.params.contains_key("definition");
    for given in request.params.keys().filter(|_| !defined) {
        if !action.parameters.iter().any(|known| known.name == given) {
            return Err(ActionError(format!("{action} has no parameter `{given}`")));
        }
    }
    for known in action.parameters {
        match request.params.get(known.name).filter(|value| !value.is_null()) {
            Some(value) => known.accepts(value).map_err(ActionError)?,
            None if known.required => {
                return Err(ActionError(format!("{action} needs `{}`", known.name)));
            }
            None => {}
        }
    }
    (action.compile)(request)
}
