//! Templates are what their description says, or they are nothing.

mod support;

use std::collections::BTreeMap;
use std::fs;

use fitting::hash::sha256_hex;
use fitting::template::{DESCRIPTION_FILE, Draft, TemplateDescription, concerns, draft};
use fitting::{FittingError, Models, Template};
use support::{models, picture};

fn files(
    models: &Models,
    name: &str,
    id: &str,
    face: usize,
) -> Result<BTreeMap<String, Vec<u8>>, FittingError> {
    let picture = picture(name);
    draft(
        models,
        &Draft { id, version: 3, title: "Title", licence: "CC0", picture: &picture, mask: None, face },
    )
}

#[test]
fn a_template_is_pinned_by_the_hash_of_its_description() {
    let files = files(&models(), "astronaut.png", "astronaut", 0).expect("a template");
    let template = Template::from_files(&files).expect("a template");
    assert_eq!(template.hash(), sha256_hex(&files[DESCRIPTION_FILE]));
    let described = template.description();
    assert_eq!((described.width, described.height, described.version), (512, 512, 3));
    for entry in described.files.all() {
        assert_eq!(entry.sha256, sha256_hex(&files[&entry.name]), "{}", entry.name);
    }
}

#[test]
fn making_a_template_twice_gives_the_same_bytes() {
    let models = models();
    let make = || files(&models, "joconde.jpg", "joconde", 0).expect("a template");
    assert_eq!(make(), make());
}

#[test]
fn an_altered_or_missing_file_is_noticed() {
    let whole = files(&models(), "astronaut.png", "astronaut", 0).expect("a template");
    for name in whole.keys().filter(|name| *name != DESCRIPTION_FILE) {
        let mut altered = whole.clone();
        altered.get_mut(name).expect("it is there").push(0);
        assert!(
            matches!(Template::from_files(&altered), Err(FittingError::Template { .. })),
            "{name} altered"
        );
        altered.remove(name);
        assert!(
            matches!(Template::from_files(&altered), Err(FittingError::Template { .. })),
            "{name} missing"
        );
    }
}

#[test]
fn a_description_cannot_lead_out_of_its_folder() {
    let mut files = files(&models(), "astronaut.png", "astronaut", 0).expect("a template");
    let mut described = TemplateDescription::parse(&files[DESCRIPTION_FILE]).expect("a description");
    described.files.mesh.name = "../mesh.json".to_owned();
    files.insert(DESCRIPTION_FILE.to_owned(), serde_json::to_vec(&described).expect("JSON"));
    let folder = std::env::temp_dir().join(format!("template-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    for (name, bytes) in &files {
        fs::write(folder.join(name), bytes).expect("writes");
    }
    let opened = Template::open(&folder);
    fs::remove_dir_all(&folder).expect("removes");
    assert!(matches!(opened, Err(FittingError::Template { message }) if message.contains("plain file name")));
}

#[test]
fn ids_and_faces_that_cannot_be_are_refused() {
    let models = models();
    for id in ["", "Astronaut", "a/b", "a b", &"a".repeat(65)] {
        assert!(matches!(files(&models, "astronaut.png", id, 0), Err(FittingError::Template { .. })), "{id}");
    }
    assert!(matches!(files(&models, "astronaut.png", "astronaut", 1), Err(FittingError::Template { .. })));
}

#[test]
fn a_check_names_what_will_look_wrong() {
    let models = models();
    let concerned = |name| {
        let files = files(&models, name, "template", 0).expect("a template");
        concerns(&files).expect("a template").iter().map(|c| c.message.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(concerned("obama.jpg"), Vec::<String>::new());
    let astronaut = concerned("astronaut.png");
    assert!(matches!(&astronaut[..], [only] if only.contains("the face is small")), "{astronaut:?}");
}
