//! Roles, permissions, mode, protected namespaces: decided here and nowhere else.

use super::diagnosis::words;
use super::effectiveness::RepeatLimits;
use super::principal::Principal;
use super::workflow::plan::{ActionClass, Manager, Plan, Risk};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

words!(
    /// How much the engine may do.
    Mode {
        /// Diagnosis only.
        Observe = "observe",
        /// Plans that can't be approved.
        Suggest = "suggest",
        /// Plans that people approve.
        Approve = "approve",
    }
);

words!(
    /// What becomes of a change that Argo CD, Flux or another keeper would put back.
    Managed {
        /// One that lasts is handed over, to be made at the source; one that ends by itself suspends the keeper.
        ByKind = "by-kind",
        /// Always handed over.
        Source = "source",
        /// The keeper is suspended until the change was verified.
        Suspend = "suspend",
    }
);

/// One thing that a role may do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// See remediations, plans, reports and logs.
    View,
    /// Hand in alerts and ask for plans.
    Create,
    /// Steer executions; stop everything.
    Execute,
    /// Lift a stop.
    Start,
    /// Force breakers open, disable them, take that back.
    Breakers,
    /// Decide on plans up to this risk.
    Decide(Risk),
    /// Run actions of this class.
    Class(ActionClass),
    /// Write reports.
    Export,
}

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::View => f.write_str("workflows.view"),
            Self::Create => f.write_str("workflows.create"),
            Self::Execute => f.write_str("workflows.execute"),
            Self::Start => f.write_str("workflows.start"),
            Self::Breakers => f.write_str("breakers.set"),
            Self::Decide(risk) => write!(f, "approvals.{risk}"),
            Self::Class(class) => write!(f, "actions.{class}"),
            Self::Export => f.write_str("reports.export"),
        }
    }
}

words!(
    /// Roles as shipped.
    Role {
        /// Looks.
        Viewer = "viewer",
        /// Looks, hands in alerts, exports; decides on low risk outside protected namespaces.
        Developer = "developer",
        /// Decides and steers up to high risk.
        Operator = "operator",
        /// Everything.
        Admin = "admin",
    }
);

impl Role {
    /// Whether the role has the permission. What is not listed is denied.
    #[must_use]
    pub fn allows(self, permission: &Permission) -> bool {
        match self {
            Self::Admin => true,
            Self::Operator => match permission {
                Permission::View
                | Permission::Create
                | Permission::Execute
                | Permission::Start
                | Permission::Breakers
                | Permission::Export => true,
                Permission::Decide(risk) => *risk <= Risk::High,
                Permission::Class(class) => *class != ActionClass::Secrets,
            },
            Self::Developer => match permission {
                Permission::View | Permission::Create | Permission::Export => true,
                Permission::Decide(risk) => *risk <= Risk::Low,
                Permission::Class(class) => {
                    matches!(class, ActionClass::Collect | ActionClass::Restart)
                }
                Permission::Execute | Permission::Start | Permission::Breakers => false,
            },
            Self::Viewer => matches!(permission, Permission::View),
        }
    }
}

/// Who has which role, and where it holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Grant {
    /// Operating-system user names, or roles of a database that is the store.
    pub users: BTreeSet<String>,
    /// Kubernetes user names.
    pub kube_users: BTreeSet<String>,
    /// Kubernetes groups.
    pub kube_groups: BTreeSet<String>,
    /// Namespaces where it holds; empty: all.
    pub namespaces: BTreeSet<String>,
}

/// The rules as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How much the engine may do.
    pub mode: Mode,
    /// Grants by role; `None` without a roles file: then the store's owner is admin and nobody else may do anything.
    pub grants: Option<BTreeMap<String, Vec<Grant>>>,
    /// uid of the OS user who owns the store.
    pub owner_uid: u32,
    /// Namespaces that raise the risk by one level.
    pub protected: BTreeSet<String>,
    /// Namespaces in which nothing is changed.
    pub denied: BTreeSet<String>,
    /// Highest risk that may be approved without a terminal; `None`: none.
    pub without_terminal: Option<Risk>,
    /// Most pods that one plan may touch.
    pub max_pods: u32,
    /// What becomes of changes that a keeper would put back.
    pub managed: Managed,
    /// Labels that an alert must carry to belong to this cluster.
    pub alerts_match: BTreeMap<String, String>,
    /// After how many repeats a template is used up for a target and cause.
    pub repeats: RepeatLimits,
    /// Executions at once on the cluster.
    pub max_running: usize,
    /// Seconds for which a case whose cause can't be told is looked at again, before it goes to a person.
    pub patience_s: u64,
    /// Settings that replace a template's seconds for tests and sites: settle time; `None`: as the template says.
    pub settle_s: Option<u64>,
    /// Seconds that requests stay open, by risk (low, medium, high, critical).
    pub expires_s: [u64; 4],
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::Approve,
            grants: None,
            owner_uid: u32::MAX,
            protected: BTreeSet::from(["kube-system".to_string(), "pilothouse".to_string()]),
            denied: BTreeSet::new(),
            without_terminal: Some(Risk::Low),
            max_pods: 50,
            managed: Managed::ByKind,
            alerts_match: BTreeMap::new(),
            repeats: RepeatLimits::default(),
            max_running: 10,
            patience_s: 0,
            settle_s: None,
            expires_s: [3_600, 1_800, 900, 900],
        }
    }
}

impl Policy {
    /// The roles that the principal has in a namespace (empty text: anywhere).
    #[must_use]
    pub fn roles(&self, who: &Principal, namespace: &str) -> Vec<Role> {
        let Some(grants) = &self.grants else {
            let owns = who.uid == self.owner_uid && who.uid != Principal::NO_UID;
            return if owns { vec![Role::Admin] } else { Vec::new() };
        };
        let holds = |grant: &Grant| {
            let person = grant.users.contains(&who.os_user)
                || who.kube.as_ref().is_some_and(|kube| {
                    grant.kube_users.contains(&kube.username)
                        || kube.groups.iter().any(|group| grant.kube_groups.contains(group))
                });
            let place = grant.namespaces.is_empty()
                || namespace.is_empty()
                || grant.namespaces.contains(namespace);
            person && place
        };
        grants
            .iter()
            .filter(|(_, grants)| grants.iter().any(holds))
            .filter_map(|(role, _)| Role::from_word(role))
            .collect()
    }

    /// Whether the principal may, in that namespace; else a sentence that says what is missing.
    ///
    /// # Errors
    /// The sentence.
    pub fn authorise(
        &self,
        who: &Principal,
        permission: &Permission,
        namespace: &str,
    ) -> Result<(), String> {
        let roles = self.roles(who, namespace);
        if roles.iter().any(|role| role.allows(permission)) {
            return Ok(());
        }
        let named = roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ");
        let place = if namespace.is_empty() { String::new() } else { format!(" in {namespace}") };
        Err(if roles.is_empty() {
            match self.grants {
                Some(_) => format!("{} has no role{place} (roles file)", who.os_user),
                None => format!(
                    "{} is not the owner of the store, and no roles file grants anything to others",
                    who.os_user
                ),
            }
        } else {
            format!("role {named} lacks {permission}{place}")
        })
    }

    /// The plan's risk under this policy, with the reasons added.
    #[must_use]
    pub fn raise(&self, namespace: &str, base: Risk, why: &mut Vec<String>) -> Risk {
        if self.protected.contains(namespace) {
            let raised = base.raised();
            why.push(format!("protected namespace {namespace}: {base} → {raised}"));
            raised
        } else {
            base
        }
    }

    /// Why the plan may not be put to a person at all; empty: it may.
    #[must_use]
    pub fn withholds(&self, plan: &Plan) -> Vec<String> {
        let mut why = Vec::new();
        match self.mode {
            Mode::Observe => why.push("mode observe: diagnosis only".to_string()),
            Mode::Suggest => why.push("mode suggest: plans can't be approved".to_string()),
            Mode::Approve => {}
        }
        let mut namespaces = plan
            .operations()
            .filter_map(|(_, planned)| planned.operation.key())
            .map(|key| key.namespace.as_str())
            .collect::<Vec<_>>();
        namespaces.sort_unstable();
        namespaces.dedup();
        for namespace in namespaces {
            if self.denied.contains(namespace) {
                why.push(format!("namespace {namespace} is denied by policy"));
            }
        }
        if plan.mutates() && plan.blast.pods > self.max_pods {
            why.push(format!(
                "touches {} pods; at most {} are allowed",
                plan.blast.pods, self.max_pods
            ));
        }
        let against = |manager: &&Manager| manager.reverts && manager.handling.is_empty();
        for manager in plan.managers.iter().filter(against).filter(|_| plan.mutates()) {
            why.push(format!(
                "{} {} would revert it: change it at the source",
                manager.kind, manager.name
            ));
        }
        why
    }

    /// Sentences for the card's POLICY row.
    #[must_use]
    pub fn describe(&self, plan: &Plan) -> Vec<String> {
        let mut lines = plan.risk_why.clone();
        lines.push(format!("pods {} of max {}", plan.blast.pods, self.max_pods));
        lines.push(format!(
            "needs {} person{}",
            people(plan.risk),
            if people(plan.risk) == 1 { "" } else { "s" }
        ));
        lines
    }

    /// Seconds that a request for a plan of this risk stays open.
    #[must_use]
    pub fn expires(&self, risk: Risk) -> u64 {
        match risk {
            Risk::Low => self.expires_s[0],
            Risk::Medium => self.expires_s[1],
            Risk::High => self.expires_s[2],
            Risk::Critical => self.expires_s[3],
        }
    }
}

/// People that must approve a plan of this risk.
#[must_use]
pub fn people(risk: Risk) -> u32 {
    match risk {
        Risk::Low | Risk::Medium | Risk::High => 1,
        Risk::Critical => 2,
    }
}
