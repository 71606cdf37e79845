Feature: Authentications and secrets

  Scenario Outline: A <scheme> authentication from a secret
    Given a workflow that does:
    """yaml
    use:
      secrets: [me]
      authentications: {account: {<scheme>: {use: me}}}
    do:
      - ask:
          call: http
          with:
            method: get
            endpoint: {uri: https://example.org/a, authentication: {use: account}}
          output: {as: '${ $authorization.scheme }'}
    """
    And the secrets are:
    """yaml
    me: <secret>
    """
    And the request GET https://example.org/a answers:
    """yaml
    body: ok
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    <shown>
    """
    And the call 1 to request should have arguments:
    """yaml
    method: GET
    uri: https://example.org/a
    authentication: {<scheme>: <secret>}
    """

    Examples:
      | scheme | shown  | secret |
      | basic  | Basic  | {username: u, password: p} |
      | digest | Digest | {username: u, password: p} |
      | bearer | Bearer | {token: t} |
      | oauth2 | Bearer | {authority: 'https://a.example', grant: client_credentials, client: {id: i, secret: s}} |
      | oidc   | Bearer | {authority: 'https://a.example', grant: password, username: u, password: p} |

  Scenario: $authorization is known in the task that has the authentication
    Given a workflow that does:
    """yaml
    do:
      - ask:
          call: http
          with:
            method: get
            endpoint: {uri: https://example.org/a, authentication: {basic: {username: '${ .user }', password: '${ .password }'}}}
            headers: {X-Signature: '${ $authorization.scheme + " " + $authorization.parameter }'}
      - after: {set: {none: '${ $authorization }'}}
    """
    And the workflow input is:
    """yaml
    user: Aladdin
    password: open sesame
    """
    And the request GET https://example.org/a answers:
    """yaml
    body: ok
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    none: null
    """
    And the call 1 to request should have arguments:
    """yaml
    method: GET
    uri: https://example.org/a
    headers: {X-Signature: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==}
    authentication: {basic: {username: Aladdin, password: open sesame}}
    """

  Scenario: The authority of a token is a URI template
    Given a workflow that does:
    """yaml
    use: {secrets: [client]}
    do:
      - ask:
          call: http
          with:
            method: get
            endpoint:
              uri: https://example.org/a
              authentication:
                oauth2: {authority: 'https://login.example.org/{realm}', grant: client_credentials, client: {id: me, secret: '${ $secrets.client }'}, scopes: [a, '${ .scope }']}
    """
    And the secrets are:
    """yaml
    client: hidden
    """
    And the workflow input is:
    """yaml
    {realm: r 1, scope: b}
    """
    When the workflow is executed
    Then the call 1 to request should have arguments:
    """yaml
    method: GET
    uri: https://example.org/a
    authentication:
      oauth2: {authority: 'https://login.example.org/r%201', grant: client_credentials, client: {id: me, secret: hidden}, scopes: [a, b]}
    """

  Scenario: Secrets reach the request and not the output
    Given a workflow that does:
    """yaml
    use: {secrets: [api]}
    do:
      - ask:
          call: http
          with:
            method: get
            endpoint: https://example.org/a
            query: {key: '${ $secrets.api.key }', n: '${ .n }'}
            headers: {X-Key: '${ "key " + $secrets.api.key }', X-Note: note}
            output: response
    output: {as: .request}
    """
    And the secrets are:
    """yaml
    api: {key: k-123}
    """
    And the workflow input is:
    """yaml
    n: 1
    """
    And the request GET https://example.org/a?key=k-123&n=1 answers:
    """yaml
    body: ok
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    method: GET
    uri: https://example.org/a?key=%5Bsecret%5D&n=1
    headers: {X-Key: 'key [secret]', X-Note: note}
    """

  Scenario: A secret that was not provided is an error of authorization
    Given a workflow that does:
    """yaml
    use: {secrets: [api]}
    do:
      - ask: {call: http, with: {method: get, endpoint: https://example.org/a, headers: {X-Key: '${ $secrets.api }'}}}
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    {type: https://open-workflow-specification.org/spec/1.0.0/errors/authorization, status: 403, instance: /do/0/ask}
    """
    And there should be 0 calls to request

  Scenario: A scheme whose secret was not provided is one too
    Given a workflow that does:
    """yaml
    use: {secrets: [api]}
    do:
      - ask: {call: http, with: {method: get, endpoint: {uri: https://example.org/a, authentication: {bearer: {use: api}}}}}
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    {type: https://open-workflow-specification.org/spec/1.0.0/errors/authorization, status: 403}
    """

  Scenario: A secret without what the scheme needs is a mistake of configuration
    Given a workflow that does:
    """yaml
    use: {secrets: [api]}
    do:
      - ask: {call: http, with: {method: get, endpoint: {uri: https://example.org/a, authentication: {basic: {use: api}}}}}
    """
    And the secrets are:
    """yaml
    api: {username: u}
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/configuration
    status: 400
    detail: '`basic` authentication from the secret `api`: `password` must be a text that is not empty'
    """

  Scenario: A token that cannot be had is an error of authentication
    Given a workflow that does:
    """yaml
    use: {secrets: [client]}
    do:
      - ask:
          call: http
          with:
            method: get
            endpoint: {uri: https://example.org/a, authentication: {oidc: {use: client}}}
    """
    And the secrets are:
    """yaml
    client: {authority: 'https://login.example.org', grant: client_credentials}
    """
    And the request GET https://example.org/a answers:
    """yaml
    {outcome: permanent, code: http.authentication, status: 401}
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    {type: https://open-workflow-specification.org/spec/1.0.0/errors/authentication, status: 401}
    """

  Scenario: Secrets may shape the input of a task
    Given a workflow that does:
    """yaml
    use: {secrets: [api]}
    do:
      - ask:
          input: {from: '${ {key: $secrets["api"].key} }'}
          call: check:1.0.0@payer
          with: {apiKey: '${ .key }'}
    """
    And the secrets are:
    """yaml
    api: {key: k}
    """
    When the workflow is executed
    Then the call 1 to check should have arguments:
    """yaml
    apiKey: k
    """

  Scenario Outline: Secrets are refused in <place>
    Given a workflow that does:
    """yaml
    use: {secrets: [api]}
    do:
      - a: {<task>}
    """
    Then the workflow should be refused with expression.unknown_variable

    Examples:
      | place     | task |
      | set       | set: {b: '${ $secrets.api }'} |
      | output.as | set: {b: 1}, output: {as: '${ $secrets.api }'} |
      | export.as | set: {b: 1}, export: {as: '${ $secrets.api }'} |
      | if        | if: '${ $secrets.api }', set: {b: 1} |
      | emit      | emit: {event: {with: {type: a.v1, data: '${ $secrets.api }'}}} |
      | raise     | raise: {error: {type: 'https://example.org/a', status: 400, detail: '${ $secrets.api }'}} |
      | a timeout | set: {b: 1}, timeout: {after: '${ $secrets.api }'} |

  Scenario: A secret that is not declared
    Given a workflow that does:
    """yaml
    use: {secrets: [api]}
    do:
      - a: {call: check:1.0.0@payer, with: {key: '${ $secrets.apo.key }'}}
    """
    Then the workflow should be refused with workflow.unknown_secret

  Scenario: An authentication from a secret that is not declared
    Given a workflow that does:
    """yaml
    use: {authentications: {account: {basic: {use: api}}}}
    do:
      - a: {call: http, with: {method: get, endpoint: {uri: https://example.org, authentication: {use: account}}}}
    """
    Then the workflow should be refused with workflow.unknown_secret

  Scenario: Keeping the credential is a warning
    Given a workflow that does:
    """yaml
    use: {secrets: [api]}
    do:
      - a:
          call: http
          with: {method: get, endpoint: {uri: https://example.org, authentication: {bearer: {use: api}}}}
          export: {as: '${ {token: $authorization.parameter} }'}
    """
    Then the workflow should be accepted with the warning workflow.credential_stored
