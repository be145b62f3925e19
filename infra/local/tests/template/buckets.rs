//! P01, P05, P06, P09: how the buckets store photos, works and templates.

use serde_json::{Value, json};

use crate::{TEMPLATE, list, resource, resources};

const BUCKETS: [&str; 3] = ["TemplatesBucket", "UploadsBucket", "WorksBucket"];

/// The statement with that Sid in a bucket's policy.
fn statement(bucket: &str, sid: &str) -> &'static Value {
    let statements = resource(&format!("{bucket}Policy"))["PolicyDocument"]["Statement"].as_array().unwrap();
    statements
        .iter()
        .find(|statement| statement["Sid"] == sid)
        .unwrap_or_else(|| panic!("the policy of {bucket} has no statement {sid}"))
}

fn lifecycle(bucket: &str) -> &'static Value {
    let rules = resource(bucket)["LifecycleConfiguration"]["Rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "{bucket}");
    assert_eq!(rules[0]["Status"], "Enabled", "{bucket}");
    assert!(rules[0].get("Prefix").is_none(), "{bucket}: the rule must cover every object");
    &rules[0]
}

#[test]
fn the_buckets_are_the_three_known_ones() {
    let mut names: Vec<_> = resources("AWS::S3::Bucket").map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, BUCKETS);
}

#[test]
fn no_bucket_keeps_deleted_objects() {
    for bucket in BUCKETS {
        for absent in ["VersioningConfiguration", "ReplicationConfiguration", "ObjectLockEnabled"] {
            assert!(resource(bucket).get(absent).is_none(), "{bucket} has {absent}");
        }
    }
}

#[test]
fn every_bucket_blocks_public_access() {
    for bucket in BUCKETS {
        let block = json!({
            "BlockPublicAcls": true, "BlockPublicPolicy": true,
            "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
        });
        assert_eq!(resource(bucket)["PublicAccessBlockConfiguration"], block, "{bucket}");
        let owner = json!({ "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] });
        assert_eq!(resource(bucket)["OwnershipControls"], owner, "{bucket}");
        for statement in
            resource(&format!("{bucket}Policy"))["PolicyDocument"]["Statement"].as_array().unwrap()
        {
            assert_eq!(statement["Effect"], "Deny", "{bucket}: a bucket policy may only deny");
        }
    }
}

#[test]
fn every_bucket_encrypts_with_the_storage_key_by_default() {
    for bucket in BUCKETS {
        let rules = &resource(bucket)["BucketEncryption"]["ServerSideEncryptionConfiguration"];
        let key = json!({ "Fn::GetAtt": ["StorageKey", "Arn"] });
        let wanted = json!([{
            "BucketKeyEnabled": true,
            "ServerSideEncryptionByDefault": { "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key },
        }]);
        assert_eq!(*rules, wanted, "{bucket}");
    }
}

#[test]
fn every_bucket_refuses_plain_connections() {
    for bucket in BUCKETS {
        let deny = statement(bucket, "OnlyOverTls");
        assert_eq!(deny["Principal"], "*");
        assert_eq!(deny["Action"], "s3:*");
        assert_eq!(deny["Condition"], json!({ "Bool": { "aws:SecureTransport": "false" } }));
        let arn = json!({ "Fn::GetAtt": [bucket, "Arn"] });
        let objects = json!({ "Fn::Sub": format!("${{{bucket}.Arn}}/*") });
        assert_eq!(deny["Resource"], json!([arn, objects]));
    }
}

/// The condition under which the statement with that Sid denies a PUT of any object.
fn refused_puts(bucket: &str, sid: &str) -> &'static Value {
    let deny = statement(bucket, sid);
    assert_eq!((&deny["Principal"], &deny["Action"]), (&json!("*"), &json!("s3:PutObject")));
    assert_eq!(deny["Resource"], json!({ "Fn::Sub": format!("${{{bucket}.Arn}}/*") }));
    &deny["Condition"]
}

const ALGORITHM: &str = "s3:x-amz-server-side-encryption";
const KEY: &str = "s3:x-amz-server-side-encryption-aws-kms-key-id";

#[test]
fn works_and_templates_can_be_put_only_with_the_storage_key() {
    let storage_key = json!({ "Fn::GetAtt": ["StorageKey", "Arn"] });
    for (sid, condition) in [
        // This also denies a PUT without the header.
        ("OnlyEncryptedByKms", json!({ "StringNotEquals": { ALGORITHM: "aws:kms" } })),
        (
            "OnlyWithTheStorageKey",
            json!({ "Null": { KEY: "false" }, "StringNotEquals": { KEY: storage_key } }),
        ),
        ("NotWithTheAccountsKey", json!({ "Null": { ALGORITHM: "false", KEY: "true" } })),
    ] {
        for bucket in ["TemplatesBucket", "WorksBucket"] {
            assert_eq!(*refused_puts(bucket, sid), condition, "{bucket}: {sid}");
        }
    }
}

#[test]
fn a_photo_can_be_put_only_with_the_default_encryption_of_the_bucket() {
    let customers = "s3:x-amz-server-side-encryption-customer-algorithm";
    for (sid, named) in
        [("NoEncryptionByName", ALGORITHM), ("NoKeyByName", KEY), ("NoKeyOfACustomer", customers)]
    {
        let condition = json!({ "Null": { named: "false" } });
        assert_eq!(*refused_puts("UploadsBucket", sid), condition, "{sid}");
    }
}

#[test]
fn a_photo_cannot_overwrite_an_existing_object() {
    let deny = statement("UploadsBucket", "OnlyWhereNoPhotoIs");
    assert_eq!((&deny["Principal"], &deny["Action"]), (&json!("*"), &json!("s3:PutObject")));
    let synthesize = json!({ "aws:PrincipalArn": { "Fn::GetAtt": ["SynthesizeRole", "Arn"] } });
    let condition = json!({ "Null": { "s3:if-none-match": "true" }, "ArnNotEquals": synthesize });
    assert_eq!(deny["Condition"], condition);
}

#[test]
fn a_photo_that_no_function_deleted_expires_after_a_day() {
    assert_eq!(lifecycle("UploadsBucket")["ExpirationInDays"], 1);
}

#[test]
fn works_expire_a_day_after_the_longest_allowed_period() {
    // The rule applies to existing works too. If it followed the parameter, a shorter period would delete them early.
    let days = lifecycle("WorksBucket")["ExpirationInDays"].as_u64();
    let periods = list(&TEMPLATE["Parameters"]["WorkPeriodDays"]["AllowedValues"]);
    let longest = periods.into_iter().map(|period| period.as_u64().unwrap()).max().unwrap();
    assert_eq!(days, Some(longest + 1));
}

#[test]
fn incomplete_multipart_uploads_are_aborted_after_a_day() {
    for bucket in BUCKETS {
        let abort = &lifecycle(bucket)["AbortIncompleteMultipartUpload"];
        assert_eq!(*abort, json!({ "DaysAfterInitiation": 1 }), "{bucket}");
    }
}

#[test]
fn the_stack_deploys_in_the_united_states_only() {
    let assertion = &TEMPLATE["Rules"]["UnitedStatesOnly"]["Assertions"][0]["Assert"];
    let regions = json!(["us-east-1", "us-east-2", "us-west-1", "us-west-2"]);
    assert_eq!(*assertion, json!({ "Fn::Contains": [regions, { "Ref": "AWS::Region" }] }));
}
