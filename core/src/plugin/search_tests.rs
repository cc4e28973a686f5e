use super::*;

fn linux() -> Environment {
    Environment {
        os: Os::Unix,
        binary: Some("/opt/dstreams/bin/dstreams".into()),
        plugin_path: None,
        home: Some("/home/ada".into()),
        xdg_data_home: None,
        app_data: None,
        elevated: false,
    }
}

fn folders(search: &SearchPath) -> Vec<String> {
    search.places.iter().map(|place| place.folder.display().to_string()).collect()
}

#[test]
fn the_places_come_in_the_documented_order() {
    let environment = Environment { plugin_path: Some("/v/one:/v/two".into()), ..linux() };
    let search = SearchPath::new(&["/flag".into()], &environment);
    assert_eq!(
        folders(&search),
        [
            "/flag",
            "/v/one",
            "/v/two",
            "/opt/dstreams/plugins",
            "/home/ada/.local/share/dstreams/plugins",
            "/usr/local/lib/dstreams/plugins",
            "/usr/lib/dstreams/plugins",
        ]
    );
    assert!(search.ignored.is_empty());
}

#[test]
fn xdg_data_home_counts_only_where_it_is_absolute() {
    let set = Environment { xdg_data_home: Some("/data".into()), ..linux() };
    assert!(folders(&SearchPath::new(&[], &set)).contains(&"/data/dstreams/plugins".to_owned()));
    let relative = Environment { xdg_data_home: Some("data".into()), ..linux() };
    let folders = folders(&SearchPath::new(&[], &relative));
    assert!(folders.contains(&"/home/ada/.local/share/dstreams/plugins".to_owned()));
}

#[test]
fn a_relative_entry_of_the_variable_is_ignored_with_a_word() {
    let environment = Environment { plugin_path: Some("plugins:.::/abs:~/x:".into()), ..linux() };
    let search = SearchPath::new(&[], &environment);
    assert!(search.places.iter().all(|place| place.folder.is_absolute()));
    assert_eq!(search.places[0].folder, Path::new("/abs"));
    assert_eq!(search.ignored.len(), 3);
    assert!(search.ignored[0].contains("`plugins`"), "{:?}", search.ignored);
}

#[test]
fn the_working_folder_is_never_a_place() {
    let bare = Environment { binary: None, home: None, plugin_path: Some(":".into()), ..linux() };
    assert_eq!(
        folders(&SearchPath::new(&[], &bare)),
        ["/usr/local/lib/dstreams/plugins", "/usr/lib/dstreams/plugins"]
    );
    let odd = Environment { home: Some("".into()), ..bare };
    assert_eq!(SearchPath::new(&[], &odd).places.len(), 2);
}

#[test]
fn macos_keeps_plugins_in_application_support() {
    let mac = Environment {
        os: Os::MacOs,
        home: Some("/Users/ada".into()),
        xdg_data_home: Some("/x".into()),
        ..linux()
    };
    let folders = folders(&SearchPath::new(&[], &mac));
    assert!(folders.contains(&"/Users/ada/Library/Application Support/dstreams/plugins".to_owned()));
}

#[test]
fn windows_has_its_own_forms() {
    let windows = Environment {
        os: Os::Windows,
        binary: None,
        plugin_path: Some(r"C:\plugins;\\server\share;relative\x;\rooted;D:".into()),
        app_data: Some(r"C:\Users\Ada\AppData\Roaming".into()),
        ..linux()
    };
    let search = SearchPath::new(&[], &windows);
    assert_eq!(
        folders(&search),
        [r"C:\plugins", r"\\server\share", r"C:\Users\Ada\AppData\Roaming\dstreams\plugins"]
    );
    assert_eq!(search.ignored.len(), 3);
}

#[test]
fn a_program_with_raised_rights_follows_nothing_that_the_user_sets() {
    let elevated = Environment { plugin_path: Some("/evil".into()), elevated: true, ..linux() };
    let search = SearchPath::new(&[], &elevated);
    assert!(folders(&search).iter().all(|folder| !folder.contains("evil") && !folder.contains("ada")));
    assert_eq!(search.ignored.len(), 1);
}

#[test]
fn a_folder_named_twice_is_one_place() {
    let environment = Environment { plugin_path: Some("/a:/a".into()), ..linux() };
    let search = SearchPath::new(&["/a".into()], &environment);
    assert_eq!(search.places.iter().filter(|place| place.folder == Path::new("/a")).count(), 1);
    assert_eq!(search.places[0].source, Source::Flag);
}
