//! The Teams app package.

use std::io::{Cursor, Read as _};

use novu_connect_bot::core::Intent;
use novu_connect_bot::teams::manifest::{AppId, COMMANDS, Package};
use zip::ZipArchive;

use super::*;

const COMMITTED: &str = include_str!("../../manifests/teams/manifest.json");
const SCHEMA: &str = include_str!("../schemas/teams-manifest-schema.json");
const APP_ID: &str = "11111111-2222-3333-4444-555555555555";

fn package() -> Package {
    let app_id: AppId = APP_ID.parse().unwrap();
    Package { version: "1.0.0".parse().unwrap(), ..Package::new(app_id, Some(origin())) }
}

fn parsed(package: &Package) -> Value {
    serde_json::from_str(&package.json().unwrap()).unwrap()
}

fn file(zip: &[u8], name: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut content = Vec::new();
    archive.by_name(name).unwrap().read_to_end(&mut content).unwrap();
    content
}

/// Width, height, and pixels as red, green, blue, opacity.
fn picture(png: &[u8]) -> (u32, u32, Vec<[u8; 4]>) {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(frame.color_type, png::ColorType::Rgba);
    let (pixels, rest) = bytes.as_chunks();
    assert!(rest.is_empty());
    (frame.width, frame.height, pixels.to_vec())
}

#[test]
fn the_repository_has_what_the_program_writes() {
    assert_eq!(COMMITTED, package().json().unwrap());
}

#[test]
fn microsofts_schema_accepts_it() {
    let manifest = parsed(&package());
    assert_eq!(problems(SCHEMA, &manifest), [""; 0]);
    let hidden = Package { origin: None, name: "n".repeat(30), ..package() };
    assert_eq!(problems(SCHEMA, &parsed(&hidden)), [""; 0]);
    // The schema says so by a keyword that its own version of JSON Schema does not have.
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(
        manifest["manifestVersion"],
        schema.pointer("/properties/manifestVersion/const").unwrap().as_str().unwrap()
    );
}

#[test]
fn microsofts_schema_would_notice() {
    let manifest = parsed(&package());
    for (pointer, wrong) in [
        ("/id", "connect".into()),
        ("/name/short", "n".repeat(31).into()),
        ("/description/short", "d".repeat(81).into()),
        ("/developer/name", "d".repeat(33).into()),
        ("/developer/websiteUrl", "example.com".into()),
        ("/accentColor", "black".into()),
        ("/bots/0/scopes/0", "groupchat".into()),
        ("/bots/0/commandLists/0/triggers/0", "colon".into()),
        ("/bots/0/commandLists/0/commands/0/title", "t".repeat(129).into()),
        ("/permissions/0", "everything".into()),
        ("/supportsChannelFeatures", "tier9".into()),
    ] {
        assert!(!problems(SCHEMA, &with(&manifest, pointer, wrong)).is_empty(), "{pointer}");
    }
}

#[test]
fn one_id_is_the_apps_the_bots_and_entras() {
    let manifest = parsed(&package());
    for pointer in ["/id", "/bots/0/botId", "/webApplicationInfo/id"] {
        assert_eq!(manifest.pointer(pointer).unwrap(), APP_ID, "{pointer}");
    }
}

#[test]
fn slash_commands_are_private_and_for_groups() {
    let manifest = parsed(&package());
    let bot = &manifest["bots"][0];
    assert_eq!(bot["supportsTargetedMessages"], true);
    let slash: Vec<_> = bot["commandLists"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|list| list["triggers"].as_array().unwrap().contains(&"slash".into()))
        .collect();
    assert_eq!(slash.len(), 1);
    assert_eq!(slash[0]["scopes"], serde_json::json!(["team", "groupChat"]));
}

#[test]
fn every_command_means_something_and_fits_older_clients() {
    for command in COMMANDS {
        let intent = Intent::parse(command.title);
        assert!(Intent::known().any(|(known, _)| *known == intent), "{}", command.title);
        assert!(command.title.len() <= 32 && command.description.len() <= 128);
    }
}

#[test]
fn the_only_domain_is_our_own() {
    assert_eq!(parsed(&package())["validDomains"], serde_json::json!(["connect.example.com"]));
    let hidden = Package { origin: None, ..package() };
    assert!(parsed(&hidden).get("validDomains").is_none());
}

#[test]
fn the_package_has_the_manifest_and_the_icons_in_its_root() {
    let zip = package().zip().unwrap();
    let archive = ZipArchive::new(Cursor::new(&zip)).unwrap();
    let names: Vec<_> = archive.file_names().map(Result::unwrap).collect();
    assert_eq!(names, ["manifest.json", "color.png", "outline.png"]);
    assert_eq!(file(&zip, "manifest.json"), package().json().unwrap().as_bytes());
}

#[test]
fn the_same_app_gives_the_same_bytes() {
    assert_eq!(package().zip().unwrap(), package().zip().unwrap());
    let zip = package().zip().unwrap();
    let mut archive = ZipArchive::new(Cursor::new(&zip)).unwrap();
    for at in 0..archive.len() {
        let changed = archive.by_index(at).unwrap().last_modified().unwrap();
        assert_eq!((changed.year(), changed.month(), changed.day()), (1980, 1, 1));
    }
}

#[test]
fn the_colour_icon_is_opaque() {
    let (width, height, pixels) = picture(&file(&package().zip().unwrap(), "color.png"));
    assert_eq!((width, height), (192, 192));
    assert!(pixels.iter().all(|[.., opacity]| *opacity == 255));
}

#[test]
fn the_outline_icon_is_white_on_transparent_ground() {
    let (width, height, pixels) = picture(&file(&package().zip().unwrap(), "outline.png"));
    assert_eq!((width, height), (32, 32));
    assert!(pixels.iter().all(|[red, green, blue, _]| [red, green, blue] == [&255; 3]));
    let with_opacity = |wanted| pixels.iter().filter(|[.., opacity]| *opacity == wanted).count();
    assert!(with_opacity(255) > 100 && with_opacity(0) > 400);
    assert_eq!(pixels[0][3], 0);
}
