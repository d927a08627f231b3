//! What only shows across templates: subflows that don't exist, call each other in a circle or too deep, and arguments
//! that don't fit.

use super::model::{Argument, Call, Given, Template};
use super::problem::Problem;
use crate::domain::spelling::nearest;
use std::collections::BTreeMap;

/// Deepest nesting of subflows.
pub(crate) const MAX_DEPTH: usize = 8;

/// What is wrong with a template's calls of others.
pub(crate) fn problems_of(template: &Template, all: &BTreeMap<String, Template>) -> Vec<Problem> {
    let mut found = Vec::new();
    for Call { name, place, with } in template.calls() {
        let Some(called) = all.get(name) else {
            let problem =
                Problem::at(&template.file, *place, format!("there is no template `{name}`"));
            found.push(match nearest(name, all.keys().map(String::as_str)) {
                Some(near) => problem.suggest(format!("did you mean `{near}`?")),
                None => problem,
            });
            continue;
        };
        found.extend(arguments(template, called, with));
        let missing = called.parameters.iter().filter(|parameter| {
            parameter.default.is_none() && !with.iter().any(|given| given.name == parameter.name)
        });
        for parameter in missing {
            let message = format!("`{name}` needs `with.{}`", parameter.name);
            found.push(Problem::at(&template.file, *place, message));
        }
        let start = vec![template.reference.name.clone()];
        match walk(name, all, start) {
            Walk::Fine => {}
            Walk::Circle(path) => {
                let message = format!("subflows call each other in a circle: {}", path.join(" → "));
                found.push(Problem::at(&template.file, *place, message));
            }
            Walk::Deep => {
                let message = format!("subflows nest deeper than {MAX_DEPTH}");
                found.push(Problem::at(&template.file, *place, message));
            }
        }
    }
    found
}

fn arguments(template: &Template, called: &Template, with: &[Argument]) -> Vec<Problem> {
    let mut found = Vec::new();
    for given in with {
        let names = called.parameters.iter().map(|known| known.name.as_str());
        let Some(parameter) = called.parameters.iter().find(|known| known.name == given.name)
        else {
            let message = format!("`{}` has no parameter `{}`", called.reference.name, given.name);
            let problem = Problem::at(&template.file, given.place, message);
            found.push(match nearest(&given.name, names) {
                Some(near) => problem.suggest(format!("did you mean `{near}`?")),
                None => problem,
            });
            continue;
        };
        if let Given::Literal(value) = &given.value
            && let Err(why) = parameter.allows(value)
        {
            let message = format!("`{}`: {why}", given.name);
            found.push(Problem::at(&template.file, given.place, message));
        }
    }
    found
}

enum Walk {
    Fine,
    Circle(Vec<String>),
    Deep,
}

/// Follows the calls from `name`; `path` holds the callers.
fn walk(name: &str, all: &BTreeMap<String, Template>, mut path: Vec<String>) -> Walk {
    let circle = path.iter().any(|caller| caller == name);
    path.push(name.to_string());
    if circle {
        return Walk::Circle(path);
    }
    if path.len() > MAX_DEPTH + 1 {
        return Walk::Deep;
    }
    let calls = all.get(name).map(Template::calls).unwrap_or_default();
    for call in calls {
        match walk(&call.name, all, path.clone()) {
            Walk::Fine => {}
            other @ (Walk::Circle(_) | Walk::Deep) => return other,
        }
    }
    Walk::Fine
}
