use super::*;

#[test]
fn every_shipped_template_loads() {
    let library = Library::load(&[]);
    let problems = library.problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(library.templates.len(), 8);
}
