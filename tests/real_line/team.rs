//! A team on one PostgreSQL: the database as the README sets it up, an engine with its role, people with theirs.
//!
//! A critical plan is approved by two roles and runs; one person twice is refused.

use crate::world::{Environment, OK, PROGRAM, World, text};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One change of the class that needs two people.
const TEMPLATE: &str = "name: renew-login
version: 1
summary: give the login a new password
steps:
  - id: renew
    action: rotate_secret
    with: { keys: password }
    on_failure: undo
verify:
  settle: 2s
  measures:
    - { name: one, promql: vector(1), unit: \"\" }
  effective_when:
    - { describe: the figure is there, cel: after.measures.one == 1.0 }
left_if_stopped: the login has its new password
";

/// Runs statements one after another.
pub fn sql(url: &str, statements: &[String]) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let failed = |error: sqlx::Error| error.to_string();
        let mut connection = PgConnection::connect(url).await.map_err(failed)?;
        for statement in statements {
            let statement = AssertSqlSafe(statement.clone());
            sqlx::raw_sql(statement).execute(&mut connection).await.map_err(failed)?;
        }
        Ok(())
    })
}

/// The database of a team, made as the README says, under names of this test's own.
struct Team {
    server: url::Url,
    tag: String,
}

impl Team {
    fn make() -> Self {
        let server = std::env::var("PILOTHOUSE_TEST_POSTGRES").expect("a PostgreSQL");
        let server = url::Url::parse(&server).expect("its URL");
        let team = Self { server, tag: format!("t{}", std::process::id()) };
        let readme = include_str!("../../README.md");
        let from = readme.find("CREATE ROLE pilothouse_people").expect("the README's SQL");
        let block = &readme[from..];
        let block = &block[..block.find("```").expect("its end")];
        let own = |text: &str| {
            ["pilothouse_people", "pilothouse_engine", "mira", "olga"].iter().fold(
                text.replace("DATABASE pilothouse", &format!("DATABASE {}", team.database())),
                |text, name| text.replace(name, &team.role(name)),
            )
        };
        let statements = |text: &str| {
            own(text)
                .split(';')
                .map(str::trim)
                .filter(|s| !s.is_empty())
                .map(String::from)
                .collect()
        };
        let (before, after) = block.split_once("\\connect pilothouse").expect("two databases");
        let (before, mut after): (Vec<_>, Vec<_>) = (statements(before), statements(after));
        sql(team.server.as_str(), &before).expect("roles and database");
        // The same person with a second role.
        after.push(format!(
            "CREATE ROLE {} LOGIN PASSWORD 'hers' IN ROLE {}",
            team.role("other"),
            team.role("pilothouse_people")
        ));
        sql(&team.url("postgres", None), &after).expect("schema and grants");
        team
    }

    fn database(&self) -> String {
        format!("ph_team_{}", self.tag)
    }

    fn role(&self, name: &str) -> String {
        format!("{name}_{}", self.tag)
    }

    /// The database's URL, for a role or (with the password) for the superuser.
    fn url(&self, role: &str, password: Option<&str>) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.database());
        if role != "postgres" {
            url.set_username(role).expect("a name");
            url.set_password(password).expect("a password");
        }
        url.to_string()
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        let mut end = vec![format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database())];
        for name in ["mira", "olga", "other", "pilothouse_engine", "pilothouse_people"] {
            end.push(format!("DROP ROLE IF EXISTS {}", self.role(name)));
        }
        if let Err(why) = sql(self.server.as_str(), &end) {
            println!("the team's database is left behind: {why}");
        }
    }
}

/// A person: a role, and an identity on the cluster.
struct Person<'a> {
    world: &'a World,
    config: PathBuf,
}

impl Person<'_> {
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = Command::new(PROGRAM)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", &self.world.directory)
            .arg("--config")
            .arg(&self.config)
            .args(args)
            .stdin(Stdio::null())
            .output()
            .expect("the program");
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// Runs until it is done: an engine that begins, or a busy machine, answers 6 for a while.
    fn insist(&self, args: &[&str]) -> (String, String) {
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            let (code, out, err) = self.run(args);
            if code == 0 {
                return (out, err);
            }
            assert!(code == 6 && Instant::now() < deadline, "{args:?}: {code}: {out}{err}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// The same for what must be refused: the code that is not 6.
    fn refused(&self, args: &[&str]) -> (i32, String) {
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            let (code, out, err) = self.run(args);
            if code != 6 {
                return (code, format!("{out}{err}"));
            }
            assert!(Instant::now() < deadline, "{args:?}: {out}{err}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

/// Who may read kube-system, by which the cluster is told from others; taken back with the test.
struct Readers {
    environment: Environment,
    name: String,
}

impl Readers {
    fn kubectl(&self, args: &[&str]) {
        let mut command = Command::new(&self.environment.kubectl);
        command.args(["--kubeconfig", &self.environment.kubeconfig, "-n", "kube-system"]);
        let done = command.args(args).output().expect("kubectl");
        assert!(done.status.success(), "{}", text(&done.stderr));
    }

    fn bind(environment: &Environment, users: &[String]) -> Self {
        let readers = Self {
            environment: environment.clone(),
            name: format!("ph-team-{}", std::process::id()),
        };
        let users = users.iter().map(|user| format!("--user={user}")).collect::<Vec<_>>();
        let mut args = vec!["create", "rolebinding", &readers.name, "--clusterrole=view"];
        args.extend(users.iter().map(String::as_str));
        readers.kubectl(&args);
        readers
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        let mut command = Command::new(&self.environment.kubectl);
        command.args(["--kubeconfig", &self.environment.kubeconfig, "-n", "kube-system"]);
        let _ = command.args(["delete", "rolebinding", &self.name]).output();
    }
}

fn user(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

/// A kubeconfig of a user who may everything in the test's namespace.
fn identity(world: &World, name: &str) -> String {
    let (script, dir) = (
        std::env::var("PILOTHOUSE_TEST_USER").expect("the script"),
        std::env::var("PILOTHOUSE_TEST_DIR").expect("the folder"),
    );
    let user = user(name);
    let made = Command::new(script).args([&dir, &user]).output().expect("a kubeconfig");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let namespace = world.namespace.clone();
    let user_flag = format!("--user={user}");
    let binding = ["create", "rolebinding", name, "--clusterrole=cluster-admin", &user_flag];
    world.kubectl(&[&["-n", &namespace], &binding[..]].concat());
    text(&made.stdout).trim().to_string()
}

fn secret_file(world: &World, name: &str, password: &str) -> PathBuf {
    let file = world.path(&format!("{name}.password"));
    std::fs::write(&file, password).expect("a password file");
    file
}

/// The settings of the world with this role's way to the database.
fn settings(text: &str, url: &str, password: &std::path::Path) -> String {
    let way = format!("[store]\nurl = \"{url}\"\npassword_file = \"{}\"\n", password.display());
    text.replacen("[store]\n", &way, 1)
}

fn value(world: &World) -> Value {
    world.get("secret", "login")["data"]["password"].clone()
}

/// A world whose engine runs on the team's database with its own role: its settings without a way to a store, and two
/// identities on the cluster.
fn prepared(environment: &Environment, team: &Team) -> (World, String, [String; 2]) {
    let mut world =
        World::new(environment, "team", "[approval]\nwithout_terminal = \"critical\"\n");
    let templates = world.path("templates");
    std::fs::create_dir(&templates).expect("a directory");
    std::fs::write(templates.join("renew-login.yaml"), TEMPLATE).expect("a template");
    let roles = world.path("roles.toml");
    let users = ["mira", "olga", "other"].map(|name| format!("\"{}\"", team.role(name))).join(", ");
    std::fs::write(&roles, format!("[[grant]]\nrole = \"admin\"\nusers = [{users}]\n"))
        .expect("roles");
    let base = std::fs::read_to_string(&world.config).expect("settings");
    let base = format!("{base}[templates]\ndirectory = \"{}\"\n", templates.display())
        .replace("settle = \"20s\"", "settle = \"2s\"")
        .replacen("[policy]\n", &format!("[policy]\nroles = \"{}\"\n", roles.display()), 1);
    let engine = team.role("pilothouse_engine");
    let own = settings(
        &base,
        &team.url(&engine, None),
        &secret_file(&world, "engine", "the-engines-own"),
    );
    std::fs::write(&world.config, own).expect("settings");
    let kubeconfigs = ["mira", "olga"].map(|name| identity(&world, name));
    world.apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"},
        "stringData": {"password": "from-before"}}));
    let mut web = world.deployment("web", 1, OK, None);
    web["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "PASSWORD",
        "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}}]);
    world.apply(&web);
    let namespace = world.namespace.clone();
    world.kubectl(&["-n", &namespace, "rollout", "status", "deploy/web", "--timeout=240s"]);
    world.start_engine();
    (world, base, kubeconfigs)
}

/// A person's role writes neither the log nor another's name.
fn forges_nothing(team: &Team) {
    let mine = team.url(&team.role("mira"), Some("hers"));
    for forged in [
        "INSERT INTO pilothouse.command (stream, role, command, caller) VALUES (1, 'olga', '{}', '{}')",
        "UPDATE pilothouse.command SET role = 'olga'",
        "DELETE FROM pilothouse.event",
        "UPDATE pilothouse.lease SET holder = 'me'",
    ] {
        let why = sql(&mine, &[forged.to_string()]).expect_err(forged);
        assert!(why.contains("permission denied"), "{forged}: {why}");
    }
}

#[test]
fn a_critical_plan_is_approved_by_two_database_roles_and_one_person_twice_is_refused() {
    let Some(environment) = Environment::find("a team on PostgreSQL") else { return };
    let team = Team::make();
    let (world, base, kubeconfigs) = prepared(&environment, &team);
    let _readers = Readers::bind(&environment, &["mira", "olga"].map(user));
    let namespace = world.namespace.clone();
    let person = |role: &str, password: &str, kubeconfig: &str| {
        let file = secret_file(&world, role, password);
        let text = settings(&base, &team.url(&team.role(role), None), &file)
            .replace(&environment.kubeconfig, kubeconfig);
        let config = world.path(&format!("{role}.toml"));
        std::fs::write(&config, text).expect("settings");
        Person { world: &world, config }
    };
    let mira = person("mira", "hers", &kubeconfigs[0]);
    let other = person("other", "hers", &kubeconfigs[0]);
    let olga = person("olga", "hers-too", &kubeconfigs[1]);

    let before = value(&world);
    let ask = ["plan", "renew-login", "--target", "secret/login", "-n", &namespace];
    let id = mira.insist(&ask).0.trim().to_string();
    let shown = || -> Value {
        let out = mira.insist(&["show", &id, "--output", "json"]).0;
        serde_json::from_str(&out).expect("JSON of show")
    };
    let case = shown();
    assert_eq!(case["plan"]["risk"], "critical", "{case:#}");
    let digest = case["plan"]["digest"].as_str().expect("a digest").to_string();
    let approve = ["approve", &id, "--plan", &digest, "--target-name", "login"];

    let (_, said) = mira.insist(&approve);
    assert!(said.contains("1 of 2 people; missing: 1 more"), "{said}");
    // The same role, and the same identity on the cluster under another role: one person.
    for again in [&mira, &other] {
        let (code, said) = again.refused(&approve);
        assert_eq!(code, 5, "{said}");
        assert!(said.contains("one person counts once"), "{said}");
    }
    let card = mira.insist(&["show", &id]).0;
    assert!(card.contains("missing: 1 more, another person"), "{card}");
    assert_eq!(shown()["state"], "awaiting_approval");
    assert_eq!(value(&world), before, "one approval changes nothing");

    forges_nothing(&team);
    let (_, said) = olga.insist(&approve);
    assert!(said.contains("2 of 2 people"), "{said}");
    let deadline = Instant::now() + Duration::from_secs(300);
    let case = loop {
        let case = shown();
        if case["state"] == "closed" {
            break case;
        }
        assert!(Instant::now() < deadline, "{case:#}\n{}", world.picture(&[]));
        std::thread::sleep(Duration::from_millis(500));
    };
    assert_eq!(case["outcome"], "effective", "{case:#}");
    assert_ne!(value(&world), before, "the secret has its new value");
    let approvals = case["approvals"].as_array().expect("approvals");
    let by = approvals.iter().map(|one| &one["by"]["os_user"]).collect::<Vec<_>>();
    assert_eq!(by, [&json!(team.role("mira")), &json!(team.role("olga"))]);
    assert!(approvals.iter().all(|one| one["by"]["via"] == "database"), "{approvals:?}");

    let (out, _) = mira.insist(&["audit", "verify"]);
    println!("{out}");
    let (_, out, _) = mira.run(&["doctor"]);
    assert!(out.contains("PostgreSQL") && out.contains(&team.role("mira")), "{out}");
    assert!(!out.contains("hers"), "no password is shown: {out}");
}
