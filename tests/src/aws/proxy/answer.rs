//! What the proxy says itself.

use serde_json::json;

use crate::aws::Call;

/// As the service itself would say it.
pub(super) fn refusal(call: &Call, status: u16, code: &str) -> Vec<u8> {
    let said = "said by the proxy of the test bed";
    if !call.form {
        let body = json!({ "__type": code, "message": said }).to_string();
        let headers = format!("content-type: application/json\r\nx-amzn-errortype: {code}\r\n");
        return text(status, &headers, body.as_bytes());
    }
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{said}</Message></Error>");
    let body = format!("<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>");
    text(status, "content-type: text/xml\r\n", body.as_bytes())
}

/// A whole answer.
pub(super) fn text(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} -\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
