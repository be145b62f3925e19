//! Each function's role allows only the function's own calls; every other call is tried and refused.

use anyhow::Result;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use local_stack::{CallError, FUNCTIONS};
use serde_json::{Value, json};

use crate::faces;
use crate::workbench::Workbench;

/// A call: its description, service, operation, and parameters that name the stack's own resources.
type Call = (&'static str, &'static str, &'static str, Value);

fn calls(bench: &Workbench, photo: &str, picture: &str) -> Result<Vec<Call>> {
    let output = |name: &str| bench.app.stack.output(name).map(str::to_owned);
    // Puts are encrypted as the bucket policies demand, so that only the role can refuse them.
    let storage_key = output("StorageKey")?;
    let (uploads, works) = (output("UploadsBucket")?, output("WorksBucket")?);
    let (records, identities) = (output("RecordsTable")?, output("IdentitiesTable")?);
    let object = |bucket: &str, key: &str| json!({ "Bucket": bucket, "Key": key });
    let put = |bucket: &str, key: &str| {
        let mut put =
            json!({ "Bucket": bucket, "Key": key, "Body": { "base64": "AAAA" }, "IfNoneMatch": "*" });
        if bucket != uploads {
            put["ServerSideEncryption"] = json!("aws:kms");
            put["SSEKMSKeyId"] = json!(storage_key);
        }
        put
    };
    let row = json!({ "pk": { "S": "SUBJECT#x" }, "sk": { "S": "GATE" } });
    let identity = json!({ "identity": { "S": "x" } });
    let (data_key, templates) = (output("DataKey")?, output("TemplatesBucket")?);
    let (receipt_key, erasures) = (output("ReceiptKey")?, output("ErasuresTable")?);
    let request = json!({ "pk": { "S": "REQUEST#x" } });
    let event = json!({ "Entries": [{ "Source": "x", "DetailType": "x", "Detail": "{}" }] });
    Ok(vec![
        ("read a photo", "s3", "get_object", object(&uploads, photo)),
        ("delete a photo", "s3", "delete_object", object(&uploads, photo)),
        ("store a photo", "s3", "put_object", put(&uploads, "uploads/x/y")),
        ("list photos", "s3", "list_objects_v2", json!({ "Bucket": uploads })),
        ("read a work", "s3", "get_object", object(&works, picture)),
        ("delete a work", "s3", "delete_object", object(&works, picture)),
        ("store a work", "s3", "put_object", put(&works, "works/x/y/1.jpg")),
        ("list works", "s3", "list_objects_v2", json!({ "Bucket": works })),
        ("publish a template", "s3", "put_object", put(&templates, "catalogue.json")),
        ("open a bucket", "s3", "delete_bucket_policy", json!({ "Bucket": works })),
        ("read a record", "dynamodb", "get_item", json!({ "TableName": records, "Key": row })),
        ("delete a record", "dynamodb", "delete_item", json!({ "TableName": records, "Key": row })),
        ("read all records", "dynamodb", "scan", json!({ "TableName": records })),
        ("read an identity", "dynamodb", "get_item", json!({ "TableName": identities, "Key": identity })),
        (
            "delete an identity",
            "dynamodb",
            "delete_item",
            json!({ "TableName": identities, "Key": identity }),
        ),
        ("read all identities", "dynamodb", "scan", json!({ "TableName": identities })),
        ("unwrap keys", "kms", "generate_data_key", json!({ "KeyId": data_key, "KeySpec": "AES_256" })),
        ("sign a receipt", "kms", "sign", sign(&receipt_key)),
        ("read a request", "dynamodb", "get_item", json!({ "TableName": erasures, "Key": request })),
        ("delete a request", "dynamodb", "delete_item", json!({ "TableName": erasures, "Key": request })),
        ("read all requests", "dynamodb", "scan", json!({ "TableName": erasures })),
        ("tell the issuer", "events", "put_events", event),
        ("delete the key", "kms", "schedule_key_deletion", json!({ "KeyId": data_key })),
        ("list roles", "iam", "list_roles", json!({})),
        ("call a function", "lambda", "invoke", json!({ "FunctionName": bench.app.stack.function("works") })),
        ("read code", "lambda", "get_function", json!({ "FunctionName": bench.app.stack.function("works") })),
    ])
}

fn sign(key: &str) -> Value {
    let digest = json!({ "base64": BASE64.encode([0; 32]) });
    json!({ "KeyId": key, "Message": digest, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256" })
}

/// The calls that each function makes. Its role must refuse all others.
const OWN: [(&str, &[&str]); 9] = [
    ("account", &["read a record", "read an identity"]),
    ("deletion-requests", &["read a record", "read an identity", "read a request"]),
    (
        "erase",
        &[
            "delete a photo",
            "list photos",
            "delete a work",
            "list works",
            "read a record",
            "delete a record",
            "read an identity",
            "delete an identity",
            "sign a receipt",
            "read a request",
            "delete a request",
            "read all requests",
            "tell the issuer",
        ],
    ),
    ("favorites", &["read a work", "read a record", "delete a record", "read an identity"]),
    ("templates", &[]),
    ("uploads", &["store a photo", "read a record", "read an identity"]),
    (
        "works",
        &[
            "delete a photo",
            "read a work",
            "delete a work",
            "read a record",
            "delete a record",
            "read an identity",
        ],
    ),
    (
        "synthesize",
        &[
            "read a photo",
            "delete a photo",
            "store a photo",
            "list photos",
            "delete a work",
            "store a work",
            "read a record",
        ],
    ),
    (
        "purge",
        &[
            "delete a photo",
            "list photos",
            "delete a work",
            "list works",
            "read a record",
            "delete a record",
            "read all records",
            "read an identity",
            "read all identities",
            "read a request",
            "read all requests",
        ],
    ),
];

/// Whether AWS refuses this call for lack of permission. Any other answer counts as allowed.
fn is_refused(bench: &Workbench, role: &str, (_, service, operation, parameters): &Call) -> Result<bool> {
    let credentials = bench.role(role)?;
    let answer = bench.app.stack.account().call_as(&credentials, service, operation, parameters);
    let error = answer.err().and_then(|error| error.downcast::<CallError>().ok());
    Ok(error.and_then(|error| error.code).is_some_and(|code| code.contains("AccessDenied")))
}

#[test]
fn each_role_allows_only_the_calls_of_its_function() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let work = user.send(&faces::no_face()?)?.work;
    let photo = format!("uploads/{}/{work}", user.subject()?);
    let calls = calls(&bench, &photo, &format!("works/{}/{work}/1.jpg", user.subject()?))?;
    let mut refused = 0;
    assert!(FUNCTIONS.iter().all(|name| OWN.iter().any(|(role, _)| role == name)), "OWN lacks a function");
    for (role, own) in OWN {
        for call in calls.iter().filter(|call| !own.contains(&call.0)) {
            assert!(is_refused(&bench, role, call)?, "{role} may {}", call.0);
            refused += 1;
        }
    }
    println!("{refused} calls refused");
    assert_eq!(bench.app.photos_of(user.subject()?)?, [photo], "a refused call deleted or added a photo");
    // The same calls pass for the roles that need them, so the refusals above came from the roles.
    for (role, own) in OWN {
        for call in calls.iter().filter(|call| own.contains(&call.0)) {
            assert!(!is_refused(&bench, role, call)?, "{role} may not {}", call.0);
        }
    }
    Ok(())
}

/// A description and the encryption fields of a put.
type Encryption<'a> = (&'a str, &'a [(&'a str, &'a str)]);

#[test]
fn a_bucket_accepts_only_objects_encrypted_with_the_storage_key() -> Result<()> {
    let bench = Workbench::open();
    let account = bench.app.stack.account();
    let output = |name| bench.app.stack.output(name);
    let storage_key = output("StorageKey")?;
    let default: Encryption<'_> = ("the bucket's own encryption", &[]);
    let by_name: Encryption<'_> =
        ("the storage key by name", &[("ServerSideEncryption", "aws:kms"), ("SSEKMSKeyId", storage_key)]);
    let s3s: Encryption<'_> = ("S3's own keys", &[("ServerSideEncryption", "AES256")]);
    let accounts: Encryption<'_> = ("the account's key for S3", &[("ServerSideEncryption", "aws:kms")]);
    // On the emulator the account's root is exempt from bucket policies; a role is not.
    for (role, bucket, key, taken, refused) in [
        ("synthesize", "WorksBucket", "works/x/y/1.jpg", by_name, [default, s3s, accounts]),
        ("uploads", "UploadsBucket", "uploads/x/y", default, [by_name, s3s, accounts]),
    ] {
        let credentials = bench.role(role)?;
        let object = json!({ "Bucket": output(bucket)?, "Key": key });
        let put = |encryption: &[(&str, &str)]| {
            let mut put = object.clone();
            put["Body"] = json!({ "base64": "AAAA" });
            put["IfNoneMatch"] = json!("*");
            for (name, value) in encryption {
                put[*name] = json!(value);
            }
            account.call_as(&credentials, "s3", "put_object", &put)
        };
        for (what, encryption) in refused {
            assert!(put(encryption).is_err(), "{bucket} accepts {what}");
        }
        put(taken.1)?;
        let stored = account.call("s3", "head_object", &object)?;
        assert_eq!(stored["ServerSideEncryption"], "aws:kms", "{bucket}: {}", taken.0);
        assert_eq!(stored["SSEKMSKeyId"], storage_key, "{bucket}: {}", taken.0);
        account.call("s3", "delete_object", &object)?;
    }
    Ok(())
}
