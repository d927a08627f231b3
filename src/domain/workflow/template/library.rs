//! All templates, and which one fits a diagnosis.

use super::definition::{Definition, parse_definition};
use super::model::{Matching, Template};
use super::parse::parse;
use super::problem::Problem;
use super::shipped::SHIPPED;
use super::subflows::problems_of;
use super::yaml::{self, Kind, Place};
use crate::domain::diagnosis::{Diagnosis, Pattern};
use crate::domain::effectiveness::Past;
use crate::domain::expr::{self, in_one_room};
use crate::domain::workflow::compile::{diagnosis_variable, target_variable};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// All templates that loaded, by name (the user's over the shipped ones).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Library {
    /// By name.
    pub templates: BTreeMap<String, Template>,
    /// The site's definitions of actions, by name; those that are enabled are templates too.
    pub definitions: BTreeMap<String, Definition>,
    /// What did not load.
    pub problems: Vec<Problem>,
}

impl Library {
    /// Shipped templates and the user's `(file, text)` pairs over them.
    ///
    /// A user's template that does not load takes the shipped one of its name out as well: what was meant to be
    /// replaced must not run in its old form.
    #[must_use]
    pub fn load(users: &[(String, String)]) -> Self {
        Self::load_with(users, &[], &BTreeSet::new())
    }

    /// As [`Library::load`], with the site's definitions of actions, and the images that their Jobs may run.
    #[must_use]
    pub fn load_with(
        users: &[(String, String)],
        definitions: &[(String, String)],
        images: &BTreeSet<String>,
    ) -> Self {
        in_one_room(|| {
            let mut library = Self::default();
            for (file, text) in SHIPPED {
                library.add(file, text);
            }
            let mut own = BTreeSet::new();
            for (file, text) in users {
                library.add_users(file, text, &mut own);
            }
            for (file, text) in definitions {
                library.add_definition(file, text, images);
            }
            library.checked()
        })
    }

    /// Only these files; for tests and for lint of a file on its own.
    #[must_use]
    pub fn of(files: &[(&str, &str)]) -> Self {
        in_one_room(|| {
            let mut library = Self::default();
            for (file, text) in files {
                library.add(file, text);
            }
            library.checked()
        })
    }

    /// With what can be said of the templates together.
    fn checked(mut self) -> Self {
        self.check_subflows();
        self.problems.sort();
        self
    }

    /// The text of a shipped file; `None` for a file that is not shipped.
    #[must_use]
    pub fn shipped_text(file: &str) -> Option<&'static str> {
        SHIPPED.iter().find(|(name, _)| *name == file).map(|(_, text)| *text)
    }

    /// A definition that is not enabled is known and is no template; one that does not load is neither.
    fn add_definition(&mut self, file: &str, text: &str, images: &BTreeSet<String>) {
        let definition = match parse_definition(file, text) {
            Ok((definition, _)) => definition,
            Err(problems) => {
                self.problems.extend(problems);
                return;
            }
        };
        let name = definition.template.reference.name.clone();
        if self.templates.contains_key(&name) || self.definitions.contains_key(&name) {
            let message = format!("there is another template or definition `{name}` already");
            self.problems.push(Problem::at(file, Place::START, message));
            return;
        }
        let image = &definition.image;
        if definition.enabled && !image.is_empty() && !images.contains(image) {
            let message = format!("image {image} is not in `actions.images`");
            let advice = "a Job runs only images that the settings name, letter by letter";
            let problem = Problem::at(file, definition.image_place, message);
            self.problems.push(problem.suggest(advice));
            return;
        }
        if definition.enabled {
            self.templates.insert(name.clone(), definition.template.clone());
        }
        self.definitions.insert(name, definition);
    }

    fn add(&mut self, file: &str, text: &str) {
        match parse(file, text) {
            Ok((template, _)) => {
                self.templates.insert(template.reference.name.clone(), template);
            }
            Err(problems) => self.problems.extend(problems),
        }
    }

    fn add_users(&mut self, file: &str, text: &str, own: &mut BTreeSet<String>) {
        match parse(file, text) {
            Ok((template, _)) => {
                let name = template.reference.name.clone();
                if own.insert(name.clone()) {
                    self.templates.insert(name, template);
                } else {
                    let message = format!("another file has a template `{name}` already");
                    self.problems.push(Problem::at(file, Place::START, message));
                }
            }
            Err(problems) => {
                self.problems.extend(problems);
                let name = intended_name(file, text);
                if self.templates.remove(&name).is_some() {
                    let message =
                        format!("`{name}` is not used at all, since this file would replace it");
                    self.problems.push(Problem::at(file, Place::START, message));
                }
                own.insert(name);
            }
        }
    }

    /// Takes out templates whose subflows don't work, until all that are left do.
    fn check_subflows(&mut self) {
        loop {
            let broken = self
                .templates
                .values()
                .map(|template| {
                    (template.reference.name.clone(), problems_of(template, &self.templates))
                })
                .filter(|(_, problems)| !problems.is_empty())
                .collect::<Vec<_>>();
            if broken.is_empty() {
                return;
            }
            for (name, problems) in broken {
                self.templates.remove(&name);
                self.problems.extend(problems);
            }
        }
    }

    /// The template for a diagnosis; else a sentence that says which were looked at and why none fits.
    ///
    /// Those for its pattern first: one that names the cause before one for any cause, one with a condition before one
    /// without. A template for *generic* takes what is left over, if it changes nothing.
    ///
    /// # Errors
    /// The sentence.
    pub fn choose(&self, diagnosis: &Diagnosis) -> Result<&Template, String> {
        self.choose_after(diagnosis, &Past::default()).map(|(template, _)| template)
    }

    /// The best fitting template of those that change nothing: where what was chosen can't be done here.
    ///
    /// # Errors
    /// The sentence.
    pub fn choose_to_tell(&self, diagnosis: &Diagnosis) -> Result<&Template, String> {
        let tells = |template: &Template| !self.acts(template);
        self.best(diagnosis, &Past::default(), tells).map(|(template, _)| template)
    }

    /// As [`Library::choose`], by what the records say: a template that acts and is used up is left out, and of two that
    /// fit alike the one that helped more often comes first. With why some were left out, a sentence each.
    ///
    /// # Errors
    /// The sentence.
    pub fn choose_after(
        &self,
        diagnosis: &Diagnosis,
        past: &Past,
    ) -> Result<(&Template, Vec<String>), String> {
        self.best(diagnosis, past, |_| true)
    }

    /// All templates that fit, best first, without those that are used up.
    #[must_use]
    pub fn fitting(&self, diagnosis: &Diagnosis, past: &Past) -> Vec<&Template> {
        self.look(diagnosis, past, |_| true).fitting
    }

    fn best(
        &self,
        diagnosis: &Diagnosis,
        past: &Past,
        suits: impl Fn(&Template) -> bool,
    ) -> Result<(&Template, Vec<String>), String> {
        let Looked { fitting, left_out, unfit } = self.look(diagnosis, past, suits);
        fitting.first().map(|first| (*first, left_out)).ok_or_else(|| {
            let (pattern, cause) = (diagnosis.pattern, diagnosis.cause);
            if unfit.is_empty() {
                format!("no template is for {pattern}")
            } else {
                format!("no template fits {pattern}, cause {cause}: {}", unfit.join("; "))
            }
        })
    }

    fn look(
        &self,
        diagnosis: &Diagnosis,
        past: &Past,
        suits: impl Fn(&Template) -> bool,
    ) -> Looked<'_> {
        let variables = BTreeMap::from([
            ("diagnosis".to_string(), diagnosis_variable(diagnosis)),
            ("target".to_string(), target_variable(diagnosis.target.as_ref())),
        ]);
        let mut looked = Looked::default();
        let mut ranked: Vec<((Rank, f64), &Template)> = Vec::new();
        for template in self.templates.values().filter(|template| suits(template)) {
            let Some(matching) = &template.matching else { continue };
            let name = &template.reference.name;
            match fits(template, matching, diagnosis, &variables, self) {
                Ok(rank) => {
                    if let Some(why) = past.used_up.get(name).filter(|_| self.acts(template)) {
                        looked.left_out.push(why.clone());
                        looked.unfit.push(format!("{name} ({why})"));
                        continue;
                    }
                    let rank = (rank, past.helped.get(name).copied().unwrap_or(0.5));
                    ranked.push((rank, template));
                }
                Err(Some(why)) => looked.unfit.push(format!("{name} ({why})")),
                Err(None) => {}
            }
        }
        // Of those that fit alike the first by name stays first.
        ranked.sort_by(|((a, helped_a), _), ((b, helped_b), _)| {
            b.cmp(a).then(helped_b.total_cmp(helped_a))
        });
        looked.fitting = ranked.into_iter().map(|(_, template)| template).collect();
        looked
    }

    /// What speaks against a template that a person chose for a diagnosis: what it is not made for, and why it must
    /// not be used here.
    #[must_use]
    pub fn objections(
        &self,
        template: &Template,
        diagnosis: &Diagnosis,
    ) -> (Vec<String>, Vec<String>) {
        let Some(matching) = &template.matching else { return (Vec::new(), Vec::new()) };
        let name = &template.reference.name;
        let variables = BTreeMap::from([
            ("diagnosis".to_string(), diagnosis_variable(diagnosis)),
            ("target".to_string(), target_variable(diagnosis.target.as_ref())),
        ]);
        let mut notes = Vec::new();
        let other_cause =
            !matching.causes.is_empty() && !matching.causes.contains(&diagnosis.cause);
        if matching.pattern != diagnosis.pattern || other_cause {
            let causes = matching.causes.iter().map(|cause| cause.word()).collect::<Vec<_>>();
            notes.push(format!(
                "a person chose {name}, which is for {} ({}); the evidence says {}, {}",
                matching.pattern,
                if causes.is_empty() { "any cause".into() } else { causes.join(", ") },
                diagnosis.pattern,
                diagnosis.cause
            ));
        }
        let holds = |cel: &str| expr::holds(cel, &variables).unwrap_or(false);
        if !matching.when.is_empty() && !holds(&matching.when) {
            notes.push(format!("the condition of {name} does not hold here"));
        }
        let against = matching
            .not_when
            .iter()
            .filter(|exclusion| holds(&exclusion.cel))
            .map(|exclusion| format!("{name} must not be used here: {}", exclusion.why))
            .collect();
        (notes, against)
    }

    /// Whether a template or a subflow of it changes the cluster.
    #[must_use]
    pub fn acts(&self, template: &Template) -> bool {
        // Circles are taken out when loading; the depth bounds it all the same.
        fn walk(library: &Library, template: &Template, depth: usize) -> bool {
            template.acts()
                || depth > 0
                    && template.calls().into_iter().any(|call| {
                        library
                            .templates
                            .get(&call.name)
                            .is_some_and(|called| walk(library, called, depth - 1))
                    })
        }
        walk(self, template, super::subflows::MAX_DEPTH)
    }
}

/// What came of looking at all templates.
#[derive(Default)]
struct Looked<'a> {
    /// Those that fit, best first.
    fitting: Vec<&'a Template>,
    /// Why some were left out, a sentence each.
    left_out: Vec<String>,
    /// Those that were looked at and do not fit, each with why.
    unfit: Vec<String>,
}

/// How well it fits: its own pattern, a cause named, a condition, not shipped.
type Rank = (bool, bool, bool, bool);

/// How well the template fits, or why it does not; `None`: it is for something else.
fn fits(
    template: &Template,
    matching: &Matching,
    diagnosis: &Diagnosis,
    variables: &BTreeMap<String, Value>,
    library: &Library,
) -> Result<Rank, Option<String>> {
    let own = matching.pattern == diagnosis.pattern;
    let leftover = matching.pattern == Pattern::Generic && !library.acts(template);
    if !own && !leftover {
        return Err(None);
    }
    if !matching.causes.is_empty() && !matching.causes.contains(&diagnosis.cause) {
        let causes = matching.causes.iter().map(|cause| cause.word()).collect::<Vec<_>>();
        return Err(own.then(|| format!("only for {}", causes.join(", "))));
    }
    if diagnosis.target.is_none() && library.acts(template) {
        return Err(Some("it changes something, and there is no target".into()));
    }
    if !matching.when.is_empty() {
        match expr::holds(&matching.when, variables) {
            Ok(true) => {}
            Ok(false) => return Err(Some("its condition does not hold".into())),
            Err(error) => return Err(Some(format!("its condition can't be told: {error}"))),
        }
    }
    for exclusion in &matching.not_when {
        match expr::holds(&exclusion.cel, variables) {
            Ok(false) => {}
            Ok(true) => return Err(Some(exclusion.why.clone())),
            Err(error) => {
                return Err(Some(format!("can't tell whether {}: {error}", exclusion.why)));
            }
        }
    }
    let shipped = SHIPPED.iter().any(|(file, _)| *file == template.file);
    Ok((own, !matching.causes.is_empty(), !matching.when.is_empty(), !shipped))
}

/// The name that a file which does not load was meant to have: what it says, or what it is called.
fn intended_name(file: &str, text: &str) -> String {
    let said = yaml::read(file, text).ok().and_then(|node| match node.kind {
        Kind::Map(members) => {
            members.into_iter().find(|(key, _)| key.text == "name").and_then(|(_, v)| v.scalar())
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => None,
    });
    said.unwrap_or_else(|| {
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")).unwrap_or(name).to_string()
    })
}
