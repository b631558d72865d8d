use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const OLD: &str = "canary-of-an-old-key";
const NEW: &str = "canary-of-a-new-key";

/// As the columns of a schema might be named to be taken for one another.
static SHIFTED: SealedColumn =
    SealedColumn { table: "jobsp", column: "ayload", id: "id", id_type: IdType::Number };
static OTHER_TABLE: SealedColumn =
    SealedColumn { table: "messages", column: "payload", id: "id", id_type: IdType::Number };
static OTHER_COLUMN: SealedColumn =
    SealedColumn { table: "jobs", column: "body", id: "id", id_type: IdType::Number };

fn sealing(keys: &[&str]) -> Sealing {
    let texts: Vec<_> = keys.iter().map(|text| SecretString::from(*text)).collect();
    Sealing::from_texts(&texts).unwrap().unwrap()
}

fn opened(sealing: &Sealing, row: i64, sealed: &[u8]) -> Result<Vec<u8>, Unsealed> {
    sealing.open(&JOBS_PAYLOAD, row, sealed).map(|plain| plain.expose_secret().to_vec())
}

#[test]
fn every_column_is_listed_and_no_place_twice() {
    let places: BTreeSet<_> =
        SealedColumn::ALL.iter().map(|column| (column.table(), column.column())).collect();
    assert_eq!(places.len(), SealedColumn::ALL.len());
    for column in [&JOBS_PAYLOAD, &MESSAGES_BODY] {
        assert!(SealedColumn::ALL.contains(&column));
    }
}

#[test]
fn the_form_of_a_sealed_value_is_settled() {
    let sealing = sealing(&[NEW]);
    let sealed = sealing.seal(&MESSAGES_BODY, "a-reference", b"plain").unwrap();
    assert_eq!(sealed.len(), 5 + SEALED_EXTRA);
    assert_eq!(sealed[0], 1);
    // What an earlier build has sealed has to open in every later one.
    let earlier = hex::decode(EARLIER).unwrap();
    assert_eq!(sealing.key_ids().next().unwrap().to_string(), hex::encode(&earlier[1..5]));
    let plain = sealing.open(&MESSAGES_BODY, "a-reference", &earlier).unwrap();
    assert_eq!(plain.expose_secret(), b"plain");
}

/// `plain` under the new key in the row `a-reference` of `messages.body`, as the first build that
/// sealed anything wrote it.
const EARLIER: &str =
    "01c5c822fcf68d445eecc5e855e5d151abb9f5ab30aad131fe4583523978e377ad698f3ba538";

#[test]
fn the_same_value_is_never_sealed_the_same_way() {
    let sealing = sealing(&[NEW]);
    let seal = || sealing.seal(&JOBS_PAYLOAD, 1, b"plain").unwrap();
    let nonces: BTreeSet<_> = (0..100).map(|_| seal()[5..HEAD_LENGTH].to_vec()).collect();
    assert_eq!(nonces.len(), 100);
}

#[test]
fn a_value_opens_in_its_own_place_alone() {
    let sealing = sealing(&[NEW]);
    let sealed = sealing.seal(&JOBS_PAYLOAD, 0x6161_6161_6161_6161, b"plain").unwrap();
    assert!(sealing.open(&JOBS_PAYLOAD, 0x6161_6161_6161_6161, &sealed).is_ok());
    for column in [&MESSAGES_BODY, &SHIFTED, &OTHER_TABLE, &OTHER_COLUMN] {
        let opened = sealing.open(column, 0x6161_6161_6161_6161, &sealed);
        assert_eq!(opened.map(drop), Err(Unsealed::Damaged), "{column:?}");
    }
    // The same bytes, one of them over the border between two parts.
    assert!(sealing.open(&JOBS_PAYLOAD, "aaaaaaa", &sealed).is_err());
    assert!(sealing.open(&JOBS_PAYLOAD, -1, &sealed).is_err());
}

#[test]
fn what_no_given_key_sealed_says_which_one_did() {
    let sealed = sealing(&[OLD]).seal(&JOBS_PAYLOAD, 1, b"plain").unwrap();
    let id = sealing(&[OLD]).key_ids().next().unwrap();
    assert_eq!(opened(&sealing(&[NEW]), 1, &sealed), Err(Unsealed::UnknownKey(id)));
    assert_eq!(KeyId::of(&sealed), Some(id));
    assert_eq!(id.to_string().len(), 8);
}

#[test]
fn a_key_is_replaced_while_both_open_and_the_first_seals() {
    let (old, both, new) = (sealing(&[OLD]), sealing(&[NEW, OLD]), sealing(&[NEW]));
    let before = old.seal(&JOBS_PAYLOAD, 1, b"plain").unwrap();
    assert_eq!(opened(&both, 1, &before), Ok(b"plain".to_vec()));
    assert!(!both.is_current(&before));

    let after = both.renew(&JOBS_PAYLOAD, 1, &before).unwrap().unwrap();
    assert!(both.is_current(&after) && new.is_current(&after));
    assert_eq!(both.renew(&JOBS_PAYLOAD, 1, &after), Ok(None));
    assert_eq!(opened(&new, 1, &after), Ok(b"plain".to_vec()));
    assert!(opened(&old, 1, &after).is_err());
    assert!(both.renew(&JOBS_PAYLOAD, 2, &before).is_err());
}

#[test]
fn a_key_of_the_same_id_but_another_text_is_no_key() {
    let mut sealing = sealing(&[NEW, OLD]);
    let sealed = sealing.seal(&JOBS_PAYLOAD, 1, b"plain").unwrap();
    sealing.former[0].id = sealing.first.id;
    std::mem::swap(&mut sealing.first, &mut sealing.former[0]);
    assert_eq!(opened(&sealing, 1, &sealed), Ok(b"plain".to_vec()));
    sealing.former.clear();
    assert_eq!(opened(&sealing, 1, &sealed), Err(Unsealed::Damaged));
}

#[test]
fn no_key_prints_and_none_is_no_sealing() {
    let text = format!("{:?}", sealing(&[NEW, OLD]));
    assert!(!text.contains("canary") && text.contains("KeyId("), "{text}");
    assert!(Sealing::from_texts(&[]).unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sealed_opens_again(
        plain in proptest::collection::vec(any::<u8>(), 0..300),
        number in any::<i64>(),
        text in ".*",
    ) {
        let sealing = sealing(&[NEW]);
        let sealed = sealing.seal(&JOBS_PAYLOAD, number, &plain).unwrap();
        prop_assert_eq!(opened(&sealing, number, &sealed), Ok(plain.clone()));
        let sealed = sealing.seal(&MESSAGES_BODY, &*text, &plain).unwrap();
        let again = sealing.open(&MESSAGES_BODY, &*text, &sealed).unwrap();
        prop_assert_eq!(again.expose_secret(), &*plain);
        if plain.len() > 4 {
            prop_assert!(!sealed.windows(plain.len()).any(|part| part == plain));
        }
    }

    #[test]
    fn in_another_row_nothing_opens(row in any::<i64>(), other in any::<i64>(), text in ".{0,9}") {
        prop_assume!(row != other);
        let sealing = sealing(&[NEW]);
        let sealed = sealing.seal(&JOBS_PAYLOAD, row, b"plain").unwrap();
        prop_assert_eq!(opened(&sealing, other, &sealed), Err(Unsealed::Damaged));
        let sealed = sealing.seal(&MESSAGES_BODY, &*text, b"plain").unwrap();
        let longer = format!("{text}x");
        prop_assert!(sealing.open(&MESSAGES_BODY, &*longer, &sealed).is_err());
    }

    #[test]
    fn nothing_that_came_from_elsewhere_opens(sealed in proptest::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(opened(&sealing(&[NEW]), 1, &sealed).is_err());
    }
}

#[test]
fn a_bit_that_is_flipped_or_a_byte_that_is_missing_keeps_it_shut() {
    let sealing = sealing(&[NEW, OLD]);
    let sealed = sealing.seal(&JOBS_PAYLOAD, 1, b"plain").unwrap();
    for position in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[position / 8] ^= 1 << (position % 8);
        assert!(opened(&sealing, 1, &flipped).is_err(), "bit {position}");
    }
    for length in 0..sealed.len() {
        assert!(opened(&sealing, 1, &sealed[..length]).is_err(), "{length} bytes");
    }
    assert!(opened(&sealing, 1, &[&sealed[..], &[0]].concat()).is_err());
}
