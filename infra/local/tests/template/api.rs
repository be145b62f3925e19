//! P04, P13: the API's authorization, its time limits and its access log.

use serde_json::{Value, json};

use crate::{TEMPLATE, resource, resources};

/// The routes without a token. Status and receipt outlive the account, and the salt protects them. Anybody may verify a
/// receipt, so the keys are public.
const OPEN_ROUTES: [&str; 3] =
    ["GET /v1/deletion-requests/{id}", "GET /v1/deletion-requests/{id}/receipt", "GET /v1/receipts/keys"];

#[test]
fn every_route_but_three_requires_a_token_with_the_configured_scopes() {
    let scopes = json!({ "Fn::Split": [",", { "Ref": "AuthorizationScopes" }] });
    let scopes = json!({ "Fn::If": ["HasAuthorizationScopes", scopes, { "Ref": "AWS::NoValue" }] });
    for (name, route) in resources("AWS::ApiGatewayV2::Route") {
        if OPEN_ROUTES.iter().any(|open| route["RouteKey"] == *open) {
            assert_eq!(route["AuthorizationType"], "NONE", "{name}");
            continue;
        }
        assert_eq!(route["AuthorizationType"], "JWT", "{name}");
        assert_eq!(route["AuthorizerId"], json!({ "Ref": "Caller" }), "{name}");
        assert_eq!(route["AuthorizationScopes"], scopes, "{name}");
    }
}

/// An empty scope among others must not leave the routes open to every token.
#[test]
fn an_empty_scope_in_a_list_of_scopes_is_rejected() {
    let parameter = &TEMPLATE["Parameters"]["AuthorizationScopes"];
    assert_eq!(TEMPLATE["Conditions"]["HasAuthorizationScopes"]["Fn::Not"][0]["Fn::Equals"][1], "");
    // CloudFormation requires that the pattern matches the whole value.
    let pattern = format!("^(?:{})$", parameter["AllowedPattern"].as_str().unwrap());
    let pattern = regex_lite::Regex::new(&pattern).unwrap();
    for (scopes, is_allowed) in [
        ("", true),
        ("fitting/use", true),
        ("fitting/use,fitting/read", true),
        (",fitting/use", false),
        ("fitting/use,", false),
        ("fitting/use,,fitting/read", false),
        ("fitting/use, fitting/read", false),
    ] {
        assert_eq!(pattern.is_match(scopes), is_allowed, "{scopes}");
    }
}

#[test]
fn the_issuer_must_use_tls() {
    assert_eq!(TEMPLATE["Parameters"]["JwtIssuer"]["AllowedPattern"], "https://.+");
}

#[test]
fn the_api_waits_longer_than_the_time_limit_of_its_function() {
    // A function's time limit does not include its cold start.
    const COLD_START_MILLIS: u64 = 2_000;
    for (name, integration) in resources("AWS::ApiGatewayV2::Integration") {
        let function = integration["IntegrationUri"]["Fn::GetAtt"][0].as_str().unwrap();
        let limit = resource(function)["Timeout"].as_u64().unwrap() * 1_000;
        let waits = integration["TimeoutInMillis"].as_u64().unwrap();
        assert!(waits >= limit + COLD_START_MILLIS, "{name} times out before {function}");
        assert!(waits <= 30_000, "{name}: an HTTP API waits at most 30 s");
    }
}

/// The fields that the access log may have, each with sample values in API Gateway's form ("Customize HTTP API access
/// logs" in its developer guide). API Gateway does not escape values, and writes `-` for a missing one.
const LOGGED: [(&str, [&str; 3]); 5] = [
    ("requestId", ["JKJaXmPLvHcESHA=", "JKJaXmPLvHcESHB=", "-"]),
    ("routeKey", ["GET /v1/works/{id}", "$default", "-"]),
    ("status", ["200", "503", "-"]),
    ("responseLatency", ["12", "10000", "-"]),
    ("error.responseType", ["UNAUTHORIZED", "INTEGRATION_TIMEOUT", "-"]),
];

fn format() -> &'static str {
    resource("ApiStage")["AccessLogSettings"]["Format"].as_str().unwrap()
}

#[test]
fn the_access_log_has_only_the_listed_fields() {
    let fields: Vec<_> =
        format().split("$context.").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(fields, LOGGED.map(|(field, _)| field));
}

#[test]
fn every_line_of_the_access_log_is_json() {
    for line in 0..3 {
        let mut text = format().to_owned();
        for (field, values) in LOGGED {
            text = text.replace(&format!("$context.{field}"), values[line]);
        }
        assert!(!text.contains("$context."), "{text}: LOGGED has no sample value for a field");
        let parsed: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(parsed.as_object().unwrap().values().all(Value::is_string), "{text}");
    }
}
