Feature: HTTP calls
  What the conformance kit leaves open about `call: http`.

  Scenario: Query, headers and body reach the request
    Given a workflow with definition:
    """yaml
    document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}
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
