//! `templates test DIR`: rules and templates against recorded cases, offline.

use super::exit::{Exit, Failure, Outcome};
use super::output::Output;
use super::session::Session;
use super::templates::{loaded, read, sentence};
use crate::domain::recorded::{
    RecordedCase, Replayed, differences, replay, shown, text_differences,
};
use crate::domain::workflow::template::Library;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Run rules and templates against recorded incidents.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Folder of cases (`NAME.json`, as `record` makes them), or one of them.
    pub cases: PathBuf,
    /// Folder of whole plans as text (`NAME.txt`), compared where there is one; `plans` beside the cases if not given.
    #[arg(long, value_name = "DIR")]
    pub plans: Option<PathBuf>,
    /// Write the whole plan of each case there instead of comparing it.
    #[arg(long)]
    pub write: bool,
    /// Templates of this folder over the shipped ones, instead of templates.directory.
    #[arg(long, value_name = "DIR")]
    pub templates: Option<PathBuf>,
}

/// What came of one case.
struct Tested {
    name: String,
    differences: Vec<String>,
    /// What the recording has no answer to.
    unrecorded: Vec<String>,
}

impl Test {
    /// Runs the verb.
    ///
    /// # Errors
    /// When there is no case, a file can't be read or written, or something differs.
    pub fn run(&self, session: &Session) -> Outcome {
        let library = self.library(session)?;
        for problem in &library.problems {
            session.output.say(&sentence(problem));
        }
        if !library.problems.is_empty() {
            let why = "templates that don't load can't be tested: see `templates lint`";
            return Err(Failure::new(Exit::Failed, why));
        }
        let files = cases(&self.cases)?;
        let tested = files.iter().map(|file| self.test(file, &library));
        let tested = tested.collect::<Result<Vec<_>, _>>()?;
        report(session.output, &tested)
    }

    fn library(&self, session: &Session) -> Result<Library, Failure> {
        let Some(directory) = &self.templates else { return loaded(session) };
        let mut texts = Vec::new();
        read(directory, &mut texts)?;
        Ok(Library::load(&texts))
    }

    fn test(&self, file: &Path, library: &Library) -> Result<Tested, Failure> {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = file.parent().unwrap_or(Path::new("."));
        let beside = |name: &str| {
            std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string())
        };
        let shown_path = file.display().to_string();
        let failed = |why: String| {
            Ok(Tested { name: name.clone(), differences: vec![why], unrecorded: Vec::new() })
        };
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => return failed(format!("{shown_path}: {error}")),
        };
        let case = match RecordedCase::read(&shown_path, &text, &beside) {
            Ok(case) => case,
            Err(error) => return failed(error.to_string()),
        };
        let replayed = match replay(&case, library) {
            Ok(replayed) => replayed,
            Err(why) => return failed(format!("no diagnosis: {why}")),
        };
        let mut found = differences(&case.expected, &replayed);
        let plans = self.plans.clone().unwrap_or_else(|| folder.join("plans"));
        found.extend(self.whole_plan(&plans.join(format!("{name}.txt")), &case, &replayed)?);
        Ok(Tested { name, differences: found, unrecorded: replayed.unrecorded })
    }

    /// Compares the whole text of the plan, or writes it.
    fn whole_plan(
        &self,
        path: &Path,
        case: &RecordedCase,
        replayed: &Replayed,
    ) -> Result<Vec<String>, Failure> {
        let text = match &replayed.plan {
            None => None,
            Some(Ok(plan)) => Some(shown(plan)),
            Some(Err(why)) => Some(format!("no plan: {why}\n")),
        };
        let wanted = std::fs::read_to_string(path).ok();
        if self.write {
            // A case that is another one with a part changed has no text of its own unless somebody wants it.
            if let Some(text) = text.filter(|_| case.base.is_none() || wanted.is_some()) {
                let wrong = |error: std::io::Error| {
                    Failure::new(Exit::Failed, format!("{}: {error}", path.display()))
                };
                path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(wrong)?;
                std::fs::write(path, text).map_err(wrong)?;
            }
            return Ok(Vec::new());
        }
        let Some(wanted) = wanted else { return Ok(Vec::new()) };
        let lines = text_differences(&wanted, text.as_deref().unwrap_or("no plan is asked for\n"));
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![format!("plan, {} (- wanted, + is):\n{}", path.display(), lines.join("\n"))])
    }
}

/// The case files of a folder, or the one that is named.
fn cases(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let wrong = |error: std::io::Error| {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => Exit::NotFound,
            _ => Exit::Usage,
        };
        Failure::new(exit, format!("{}: {error}", path.display()))
    };
    if std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Ok(vec![path.into()]);
    }
    let mut files = std::fs::read_dir(path)
        .map_err(wrong)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|file| file.extension().is_some_and(|end| end == "json"))
        .collect::<Vec<_>>();
    files.sort();
    if files.is_empty() {
        let why = format!("{} holds no case: NAME.json, as `record` makes them", path.display());
        return Err(Failure::new(Exit::NotFound, why));
    }
    Ok(files)
}

fn report(output: Output, tested: &[Tested]) -> Outcome {
    let wrong = tested.iter().filter(|one| !one.differences.is_empty()).count();
    if output.is_text() {
        for one in tested {
            let word = if one.differences.is_empty() { "as it must be" } else { "differs" };
            output.data(&format!("{}: {word}\n", one.name))?;
            let lines = one.differences.iter().flat_map(|text| text.lines());
            let unrecorded = one.unrecorded.iter().map(|read| format!("not recorded: {read}"));
            for line in lines.map(String::from).chain(unrecorded) {
                output.data(&format!("    {line}\n"))?;
            }
        }
    } else {
        let line = |one: &Tested| {
            json!({"case": one.name, "passed": one.differences.is_empty(),
                "differences": one.differences, "unrecorded": one.unrecorded})
        };
        output.list(&tested.iter().map(line).collect::<Vec<_>>())?;
    }
    if wrong > 0 {
        return Err(Failure::new(
            Exit::Failed,
            format!("{wrong} of {} cases differ", tested.len()),
        ));
    }
    output.say(&format!("{} cases, all as they must be", tested.len()));
    Ok(Exit::Done)
}
