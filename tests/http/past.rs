//! What consumers read of the past, as it is written.

use crate::answers::{image, pretty, world};
use counterfoil_tests::sandbox::Sandbox;
use serde_json::Value;

fn read(sandbox: &Sandbox, path: &str) -> String {
    pretty(&sandbox.gateway("GET", path, &Value::Null).expect(200))
}

#[test]
fn usage_by_month() {
    let sandbox = world();
    sandbox.request(image("r")).expect(200);
    insta::assert_snapshot!(read(&sandbox, "/v1/account/usage?account=acme"), @r#"
    {
      "account": "acme",
      "by": "month",
      "cursor": null,
      "from": "2026-01-01T00:00:00Z",
      "position": 5,
      "rows": [
        {
          "charged": "0",
          "ended": "open",
          "endpoint": "/api/v1/ai/image-generation",
          "from": "2026-01-01T00:00:00Z",
          "gate": null,
          "held": "5",
          "key": null,
          "late": 0,
          "mode": "live",
          "plan": "standard",
          "refunded": "0",
          "refused": 0,
          "released": "0",
          "requests": 1,
          "settled": 0,
          "to": "2026-02-01T00:00:00Z",
          "uncollected": "0",
          "units": 1
        }
      ],
      "to": "2026-02-01T00:00:00Z"
    }
    "#);
}

#[test]
fn usage_in_sum() {
    let sandbox = world();
    sandbox.request(image("r")).expect(200);
    insta::assert_snapshot!(read(&sandbox, "/v1/account/usage-summary?account=acme"), @r#"
    {
      "account": "acme",
      "by": "month",
      "from": "2026-01-01T00:00:00Z",
      "live": {
        "charged": "0",
        "held": "5",
        "late": 0,
        "refunded": "0",
        "refused": 0,
        "released": "0",
        "requests": 1,
        "settled": 0,
        "uncollected": "0",
        "units": 1
      },
      "periods": [
        {
          "from": "2026-01-01T00:00:00Z",
          "live": {
            "charged": "0",
            "held": "5",
            "late": 0,
            "refunded": "0",
            "refused": 0,
            "released": "0",
            "requests": 1,
            "settled": 0,
            "uncollected": "0",
            "units": 1
          },
          "test": {
            "charged": "0",
            "held": "0",
            "late": 0,
            "refunded": "0",
            "refused": 0,
            "released": "0",
            "requests": 0,
            "settled": 0,
            "uncollected": "0",
            "units": 0
          },
          "to": "2026-02-01T00:00:00Z"
        }
      ],
      "position": 5,
      "test": {
        "charged": "0",
        "held": "0",
        "late": 0,
        "refunded": "0",
        "refused": 0,
        "released": "0",
        "requests": 0,
        "settled": 0,
        "uncollected": "0",
        "units": 0
      },
      "to": "2026-02-01T00:00:00Z"
    }
    "#);
}

#[test]
fn a_statement() {
    let sandbox = world();
    sandbox.request(image("r")).expect(200);
    insta::assert_snapshot!(read(&sandbox, "/v1/account/statement?account=acme"), @r#"
    {
      "account": "acme",
      "cursor": null,
      "from": "2026-01-01T00:00:00Z",
      "lines": [
        {
          "actor": "operator:olga",
          "after": {
            "credit": "10",
            "held": "0"
          },
          "at": "2026-01-01T00:00:00Z",
          "cause": "CreditGranted",
          "charged": "0",
          "credit": "10",
          "decision_id": null,
          "held": "0",
          "position": 4,
          "refunded": "0",
          "request_id": null,
          "uncollected": "0"
        },
        {
          "actor": "gateway:main",
          "after": {
            "credit": "5",
            "held": "5"
          },
          "at": "2026-01-01T00:00:00Z",
          "cause": "RequestAdmitted",
          "charged": "0",
          "credit": "-5",
          "decision_id": "d_5",
          "held": "5",
          "position": 5,
          "refunded": "0",
          "request_id": "r",
          "uncollected": "0"
        }
      ],
      "opening": {
        "credit": "0",
        "held": "0"
      },
      "position": 5,
      "to": "2026-02-01T00:00:00Z"
    }
    "#);
}

#[test]
fn a_monthly_report() {
    let sandbox = world();
    sandbox.request(image("r")).expect(200);
    insta::assert_snapshot!(read(&sandbox, "/v1/account/reports/2026-01?account=acme"), @r#"
    {
      "account": "acme",
      "closed": false,
      "closing": {
        "credit": "5",
        "held": "5"
      },
      "endpoints": [
        {
          "charged": "0",
          "endpoint": "/api/v1/ai/image-generation",
          "held": "5",
          "late": 0,
          "plan": "standard",
          "refunded": "0",
          "refused": 0,
          "released": "0",
          "requests": 1,
          "settled": 0,
          "uncollected": "0",
          "units": 1
        }
      ],
      "from": "2026-01-01T00:00:00Z",
      "month": "2026-01",
      "opening": {
        "credit": "0",
        "held": "0"
      },
      "position": 5,
      "statement": {
        "agrees": true,
        "charged": "0",
        "refunded": "0"
      },
      "to": "2026-02-01T00:00:00Z",
      "total": {
        "charged": "0",
        "held": "5",
        "late": 0,
        "refunded": "0",
        "refused": 0,
        "released": "0",
        "requests": 1,
        "settled": 0,
        "uncollected": "0",
        "units": 1
      }
    }
    "#);
}
