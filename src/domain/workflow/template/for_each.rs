//! `for_each`: the same steps for each of several items.

use super::model::{Bound, Does, Exclusion, ForEach, Items};
use super::parameters::is_name;
use super::reading::{Fields, Reading};
use super::steps::Standing;
use super::yaml::{Kind, Node};
use crate::domain::workflow::plan::Lanes;

const KEYS: &[&str] = &[
    "items",
    "pods_of_node",
    "objects",
    "as",
    "at_most",
    "exclude",
    "canary",
    "batch",
    "max_failures",
    "steps",
];
/// Where the items come from.
const SOURCES: &[&str] = &["items", "pods_of_node", "objects"];
/// Most items, and most at once, that an author can ask for.
const MOST_ITEMS: u32 = 500;
const MOST_AT_ONCE: u32 = 100;
/// Names that mean something else.
const TAKEN: &[&str] =
    &["diagnosis", "params", "target", "steps", "object", "objects", "since", "before", "after"];

impl Reading<'_> {
    pub(super) fn for_each(&mut self, node: &Node, standing: &Standing) -> Option<Does> {
        let fields = self.fields(node, "`for_each`", KEYS);
        if !matches!(node.kind, Kind::Map(_)) {
            return None;
        }
        let name = self.item_name(&fields);
        let inside = standing.with_item(&name);
        let items = self.items(&fields, &name, standing);
        let bounded = matches!(items, Some(Items::PodsOfNode(..) | Items::Objects(..)));
        if !bounded {
            for key in ["at_most", "exclude"] {
                if let Some((member, _)) = fields.member(key) {
                    let message =
                        format!("`{key}` needs a rule: the items of a list are all known");
                    self.problem(member.place, message);
                }
            }
        }
        let lanes = self.lanes(&fields, items.as_ref());
        let mut inside = inside;
        let steps = if let Some(node) = fields.get("steps") {
            self.sequence(node, "steps", &mut inside)
        } else {
            self.problem(fields.place, "`for_each` has no `steps`");
            Vec::new()
        };
        Some(Does::ForEach(Box::new(ForEach { items: items?, name, lanes, steps })))
    }

    fn item_name(&mut self, fields: &Fields<'_>) -> String {
        let Some(node) = fields.get("as") else { return "item".into() };
        let name = self.text(node, "as");
        if !is_name(&name) || TAKEN.contains(&name.as_str()) {
            let message = format!("`{name}` can't be the name of an item");
            self.advise(node.place, message, "use a to z, 0 to 9 and _, as in `as: pod`");
        }
        name
    }

    fn items(&mut self, fields: &Fields<'_>, name: &str, standing: &Standing) -> Option<Items> {
        let given = SOURCES.iter().filter_map(|key| fields.member(key)).collect::<Vec<_>>();
        let (key, node) = match given.as_slice() {
            [one] => (&one.0, &one.1),
            [] => {
                let words = SOURCES.join(", ");
                self.advise(
                    fields.place,
                    "`for_each` has no items",
                    format!("give it one of {words}"),
                );
                return None;
            }
            [_, second, ..] => {
                let message = format!("`for_each` has one of {}", SOURCES.join(", "));
                self.problem(second.0.place, message);
                return None;
            }
        };
        match key.text.as_str() {
            "items" => {
                let source = self.text(node, "items");
                let Some(cel) = source.strip_prefix('=') else {
                    self.advise(node.place, "`items` is no expression", "write `items: = …`");
                    return None;
                };
                self.given(node, "items", &standing.scope);
                Some(Items::Known(cel.trim().to_string()))
            }
            "pods_of_node" => {
                let node = self.given(node, "pods_of_node", &standing.scope);
                let bound = self.bound(fields, name, standing);
                Some(Items::PodsOfNode(node, bound))
            }
            _ => {
                let objects = self.wait_objects(node, &standing.scope);
                let bound = self.bound(fields, name, standing);
                Some(Items::Objects(objects, bound))
            }
        }
    }

    fn bound(&mut self, fields: &Fields<'_>, name: &str, standing: &Standing) -> Bound {
        if fields.get("at_most").is_none() {
            let message =
                "`for_each` with a rule has no `at_most`: what is approved has to have a bound";
            self.advise(fields.place, message, "write `at_most: 30`");
        }
        let at_most = self.count(fields, "at_most", MOST_ITEMS).unwrap_or(1);
        let scope = standing.with_item(name).scope;
        let mut exclude = Vec::new();
        for node in self.list(fields, "exclude") {
            let fields = self.fields(node, "an entry of `exclude`", &["cel", "why"]);
            let why = self.required_text(&fields, "why");
            match fields.get("cel") {
                Some(node) => exclude.push(Exclusion { cel: self.cel(node, "cel", &scope), why }),
                None => self.problem(fields.place, "an entry of `exclude` has no `cel`"),
            }
        }
        Bound { at_most, exclude }
    }

    fn lanes(&mut self, fields: &Fields<'_>, items: Option<&Items>) -> Lanes {
        let canary = match fields.get("canary").map(|node| &node.kind) {
            Some(Kind::Number(number)) if number.as_u64() == Some(0) => 0,
            Some(_) => self.count(fields, "canary", MOST_AT_ONCE).unwrap_or(1),
            None => 1,
        };
        let batch = self.count(fields, "batch", MOST_AT_ONCE).unwrap_or(1);
        let max_failures = self.whole(fields, "max_failures");
        if let Some(Items::PodsOfNode(_, bound) | Items::Objects(_, bound)) = items {
            for (key, value) in [("batch", batch), ("canary", canary)] {
                if let Some(node) = fields.get(key).filter(|_| value > bound.at_most) {
                    let message = format!("`{key}: {value}` is above `at_most: {}`", bound.at_most);
                    self.problem(node.place, message);
                }
            }
            if let Some(node) = fields.get("max_failures").filter(|_| max_failures >= bound.at_most)
            {
                let message = format!("`max_failures: {max_failures}` lets all items fail");
                let hint = "use `on_failure: continue` where failures don't matter";
                self.advise(node.place, message, hint);
            }
        }
        Lanes { at_most: batch, canary, max_failures }
    }

    /// A whole number from 0; 0 when it is absent.
    pub(super) fn whole(&mut self, fields: &Fields<'_>, key: &str) -> u32 {
        let Some(node) = fields.get(key) else { return 0 };
        let number = match &node.kind {
            Kind::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            Kind::Null | Kind::Bool(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => None,
        };
        number.unwrap_or_else(|| {
            self.problem(node.place, format!("`{key}` is a whole number from 0"));
            0
        })
    }
}
