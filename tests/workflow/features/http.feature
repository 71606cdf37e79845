Feature: HTTP calls
  What the conformance kit leaves open about `call: http`.

  Scenario: Query, headers and body reach the request
    Given a workflow that does:
    """yaml
    do:
      - send:
          call: http
          with:
            method: post
            endpoint: https://example.org/pets/{name}?a=1
            query: {tag: '${ .tags }', limit: 10, absent: null}
            headers: {X-Trace: '${ .trace }', X-Count: 3}
            body: {name: '${ .name }'}
    """
    And the workflow input is:
    """yaml
    name: Rex / Co
    tags: [x y, 'ä']
    trace: abc
    """
    And the request POST https://example.org/pets/Rex%20%2F%20Co?a=1&tag=x%20y&tag=%C3%A4&limit=10 answers:
    """yaml
    status: 201
    body: {id: 7}
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    id: 7
    """
    And the call 1 to request should have arguments:
    """yaml
    method: POST
    uri: https://example.org/pets/Rex%20%2F%20Co?a=1&tag=x%20y&tag=%C3%A4&limit=10
    headers: {X-Trace: abc, X-Count: '3', content-type: application/json}
    body: {name: Rex / Co}
    """

  Scenario: Query and headers may each be one expression
    Given a workflow that does:
    """yaml
    do:
      - ask:
          call: http
          with: {method: GET, endpoint: '${ .base + "/pets" }', query: '${ .q }', headers: '${ .h }'}
    """
    And the workflow input is:
    """yaml
    base: https://example.org
    q: {a: '1&2', b: true}
    h: {X-A: v}
    """
    And the request GET https://example.org/pets?a=1%262&b=true answers:
    """yaml
    body: []
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    []
    """

  Scenario: A missing member of a URI template is empty
    Given a workflow that does:
    """yaml
    do:
      - ask: {call: http, with: {method: get, endpoint: 'https://example.org/a{pet.id}b{none}c'}}
    """
    And the workflow input is:
    """yaml
    pet.id: 5
    """
    And the request GET https://example.org/a5bc answers:
    """yaml
    body: ok
    """
    When the workflow is executed
    Then the workflow should complete

  Scenario Outline: A URI template takes no <what>
    Given a workflow that does:
    """yaml
    do:
      - ask: {call: http, with: {method: get, endpoint: 'https://example.org/{x}/b'}}
    """
    And the workflow input is:
    """yaml
    x: <value>
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/expression
    status: 400
    instance: /do/0/ask
    """

    Examples:
      | what            | value   |
      | array           | [1]     |
      | object          | {a: 1}  |
      | way out of here | '..'    |

  Scenario: Expression syntax in data is data
    Given a workflow that does:
    """yaml
    do:
      - ask: {call: http, with: {method: post, endpoint: '${ .uri }', body: '${ .body }'}}
    """
    And the workflow input is:
    """yaml
    uri: https://example.org/{secret}
    body: {a: '${ .secret }'}
    secret: hidden
    """
    When the workflow is executed
    Then the call 1 to request should have arguments:
    """yaml
    method: POST
    uri: https://example.org/{secret}
    headers: {content-type: application/json}
    body: {a: '${ .secret }'}
    """

  Scenario: A text is sent as it is
    Given a workflow that does:
    """yaml
    do:
      - send: {call: http, with: {method: put, endpoint: https://example.org/a, body: 'a,b', headers: {Content-Type: text/csv}}}
    """
    When the workflow is executed
    Then the call 1 to request should have arguments:
    """yaml
    method: PUT
    uri: https://example.org/a
    headers: {Content-Type: text/csv}
    body: 'a,b'
    """

  Scenario: A form is written from an object
    Given a workflow that does:
    """yaml
    do:
      - send:
          call: http
          with:
            method: post
            endpoint: https://example.org/a
            headers: {Content-Type: application/x-www-form-urlencoded}
            body: {a: x y, b: [1, 2]}
    """
    When the workflow is executed
    Then the call 1 to request should have arguments:
    """yaml
    method: POST
    uri: https://example.org/a
    headers: {Content-Type: application/x-www-form-urlencoded}
    body: a=x+y&b=1&b=2
    """

  Scenario Outline: Status <status> is an error with its title
    Given a workflow that does:
    """yaml
    do:
      - ask: {call: http, with: {method: get, endpoint: https://example.org/a}}
    """
    And the request GET https://example.org/a answers:
    """yaml
    {status: <status>, body: {patient: P1}}
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    {type: https://open-workflow-specification.org/spec/1.0.0/errors/communication, status: <status>, title: <title>, instance: /do/0/ask}
    """

    Examples:
      | status | title               |
      | 302    | Found               |
      | 404    | Not Found           |
      | 500    | Internal Server Error |

  Scenario: With redirect a redirection is no error
    Given a workflow that does:
    """yaml
    do:
      - ask: {call: http, with: {method: get, endpoint: https://example.org/a, redirect: true, output: response}}
    output: {as: .statusCode}
    """
    And the request GET https://example.org/a answers:
    """yaml
    {status: 304}
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    304
    """

  Scenario: Raw output is base64 of the content
    Given a workflow that does:
    """yaml
    do:
      - ask: {call: http, with: {method: get, endpoint: https://example.org/a, output: raw}}
    """
    And the request GET https://example.org/a answers:
    """yaml
    body: hello
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    aGVsbG8=
    """
    And the call 1 to request should have arguments:
    """yaml
    {method: GET, uri: https://example.org/a, raw: true}
    """

  Scenario Outline: A retry repeats a request when a repeat can help: status <status>
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: http, with: {method: get, endpoint: https://example.org/a}}
          catch: {retry: {limit: {attempt: {count: 1}}}}
    """
    And the request GET https://example.org/a answers:
    """yaml
    {status: <status>}
    """
    And the request GET https://example.org/a answers:
    """yaml
    body: ok
    """
    When the workflow is executed
    And the time passes PT0S
    Then ask should run <times>

    Examples:
      | status | times |
      | 302 | 1 time |
      | 400 | 1 time |
      | 404 | 1 time |
      | 408 | 2 times |
      | 425 | 2 times |
      | 429 | 2 times |
      | 500 | 2 times |

  Scenario: A server that asks to wait is waited for
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: http, with: {method: get, endpoint: https://example.org/a}}
          catch: {retry: {delay: PT1S, limit: {attempt: {count: 3}}}}
    """
    And the request GET https://example.org/a answers:
    """yaml
    {status: 429, headers: {retry-after: '120'}}
    """
    And the request GET https://example.org/a answers:
    """yaml
    {status: 503, headers: {retry-after: 'Sun, 08 Mar 2026 20:10:00 GMT'}}
    """
    And the request GET https://example.org/a answers:
    """yaml
    body: ok
    """
    When the workflow is executed
    Then a timer should be due in PT2M
    When the time passes PT2M
    Then a timer should be due in PT8M
    When the time passes PT8M
    Then the workflow should complete with output:
    """yaml
    ok
    """

  Scenario: No answer at all is a communication error
    Given a workflow that does:
    """yaml
    do:
      - ask: {call: http, with: {method: get, endpoint: https://example.org/a}}
    """
    And the request GET https://example.org/a answers:
    """yaml
    {outcome: transient, code: http.connect}
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    {type: https://open-workflow-specification.org/spec/1.0.0/errors/communication, status: 503, title: http.connect}
    """

  Scenario: The timeout of the task cancels the request
    Given a workflow that does:
    """yaml
    do:
      - ask: {call: http, with: {method: get, endpoint: https://example.org/a}, timeout: {after: PT3S}}
    """
    When the workflow is executed
    And the time passes PT3S
    Then the workflow should fault with error:
    """yaml
    {type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout, status: 408}
    """
    And 1 call should be cancelled

  Scenario: A call that may be repeated says so
    Given a workflow that does:
    """yaml
    do:
      - send: {call: http, with: {method: post, endpoint: https://example.org/a}, metadata: {rabt: {idempotency: key}}}
    """
    When the workflow is executed
    Then the call 1 to request should have arguments:
    """yaml
    {method: POST, uri: https://example.org/a, idempotency: key}
    """

  Scenario Outline: Refused: <what>
    Given a workflow that does:
    """yaml
    do:
      - a: {call: http, with: {<with>}}
    """
    Then the workflow should be refused with <code>

    Examples:
      | what                    | code                         | with |
      | no endpoint             | workflow.missing_key         | method: get |
      | an unknown key          | workflow.unknown_key         | method: get, endpoint: 'https://example.org', params: {} |
      | a method nobody knows   | workflow.value               | method: gett, endpoint: 'https://example.org' |
      | another protocol        | workflow.value               | method: get, endpoint: 'ftp://example.org' |
      | no scheme               | workflow.value               | method: get, endpoint: example.org/pets |
      | credentials in a URI    | workflow.value               | method: get, endpoint: 'https://u:p@example.org' |
      | a fragment              | workflow.value               | method: get, endpoint: 'https://example.org/#a' |
      | an operator             | workflow.uri_template        | method: get, endpoint: 'https://example.org/{?a}' |
      | an open brace           | workflow.uri_template        | method: get, endpoint: 'https://example.org/{a' |
      | partial interpolation   | workflow.interpolation       | method: get, endpoint: 'https://example.org/${ .a }' |
      | a header of the hub     | workflow.value               | method: get, endpoint: 'https://example.org', headers: {Host: a} |
      | a list as headers       | workflow.type                | method: get, endpoint: 'https://example.org', headers: [a] |
      | an unknown output       | workflow.value               | method: get, endpoint: 'https://example.org', output: text |
      | a text as redirect      | workflow.type                | method: get, endpoint: 'https://example.org', redirect: always |
      | an authentication that is not defined | workflow.unknown_authentication | method: get, endpoint: {uri: 'https://example.org', authentication: {use: me}} |
      | two authentications     | workflow.value               | method: get, endpoint: {uri: 'https://example.org', authentication: {basic: {username: a, password: b}, bearer: {token: c}}} |
      | no password             | workflow.missing_key         | method: get, endpoint: {uri: 'https://example.org', authentication: {basic: {username: a}}} |
      | a certificate           | workflow.not_supported       | method: get, endpoint: {uri: 'https://example.org', authentication: {certificate: {}}} |
      | a grant that needs a person | workflow.not_supported   | method: get, endpoint: {uri: 'https://example.org', authentication: {oauth2: {authority: 'https://a.example', grant: authorization_code}}} |
      | a signed assertion      | workflow.not_supported       | method: get, endpoint: {uri: 'https://example.org', authentication: {oauth2: {authority: 'https://a.example', grant: client_credentials, client: {authentication: private_key_jwt}}}} |
      | a misspelt grant        | workflow.value               | method: get, endpoint: {uri: 'https://example.org', authentication: {oidc: {authority: 'https://a.example', grant: client_credential}}} |

  Scenario Outline: The call <name> stays refused
    Given a workflow that does:
    """yaml
    do:
      - a: {call: '<name>', with: {}}
    """
    Then the workflow should be refused with <code>

    Examples:
      | name                                  | code                    |
      | grpc                                  | workflow.not_supported  |
      | asyncapi                              | workflow.not_supported  |
      | a2a                                   | workflow.not_supported  |
      | mcp                                   | workflow.not_supported  |
      | https://example.org/function.yaml     | workflow.not_supported  |
      | request:1.0.0@http                    | workflow.value          |

  Scenario: Credentials in clear are a warning
    Given a workflow that does:
    """yaml
    use: {secrets: [me]}
    do:
      - a: {call: http, with: {method: get, endpoint: {uri: 'http://example.org', authentication: {basic: {use: me}}}}}
    """
    Then the workflow should be accepted with the warning workflow.credentials_in_clear

  Scenario: A POST that is retried is a warning, unless it may be repeated
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - send: {call: http, with: {method: post, endpoint: https://example.org/a}}
          catch: {errors: {with: {status: 503}}, retry: {limit: {attempt: {count: 1}}}}
    """
    Then the workflow should be accepted with the warning workflow.retry_not_idempotent
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - send: {call: http, with: {method: post, endpoint: https://example.org/a}, metadata: {rabt: {idempotency: key}}}
          catch: {errors: {with: {status: 503}}, retry: {limit: {attempt: {count: 1}}}}
    """
    Then the workflow should be accepted without warnings

  Scenario: Only HTTP calls say whether they may be repeated
    Given a workflow that does:
    """yaml
    do:
      - a: {set: {b: 1}, metadata: {rabt: {idempotency: key}}}
    """
    Then the workflow should be refused with workflow.value
