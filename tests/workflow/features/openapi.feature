Feature: OpenAPI calls

  Background:
    Given the request GET https://api.example.org/docs/v3.yaml answers:
    """yaml
    headers: {content-type: application/yaml}
    body: |
      openapi: 3.0.3
      info: {title: Pets, version: 1.0.0}
      servers:
        - url: ../{stage}/api
          variables: {stage: {default: live}}
      paths:
        /pets/{id}:
          parameters:
            - $ref: '#/components/parameters/Id'
          get:
            operationId: getPet
            parameters:
              - {name: fields, in: query, schema: {type: array}}
              - {name: tags, in: query, explode: false, schema: {type: array}}
              - {name: filter, in: query, style: deepObject, explode: true, schema: {type: object}}
              - {name: X-Trace, in: header, schema: {type: string}}
              - {name: session, in: cookie, schema: {type: string}}
          put:
            operationId: putPet
            requestBody: {$ref: '#/components/requestBodies/Pet'}
        /forms:
          post:
            operationId: sendForm
            servers: [{url: 'https://forms.example.org/'}]
            requestBody:
              content: {application/x-www-form-urlencoded: {schema: {type: object, properties: {a: {}, b: {}}}}}
      components:
        parameters:
          Id: {name: id, in: path, required: true, schema: {type: string}}
        requestBodies:
          Pet:
            required: true
            content:
              application/json:
                schema: {$ref: '#/components/schemas/Pet'}
        schemas:
          Pet: {allOf: [{$ref: '#/components/schemas/Named'}, {type: object, properties: {age: {type: integer}}}]}
          Named: {type: object, properties: {name: {type: string}}}
    """

  Scenario: Parameters go where the operation says
    Given a workflow that does:
    """yaml
    do:
      - ask:
          call: openapi
          with:
            document: {endpoint: https://api.example.org/docs/v3.yaml}
            operationId: getPet
            parameters: {id: '${ .id }', fields: [a, b], tags: [c, d e], filter: {min: 1}, X-Trace: t, session: s}
    """
    And the workflow input is:
    """yaml
    id: a/b
    """
    When the workflow is executed
    Then the call 1 to request should have arguments:
    """yaml
    method: GET
    uri: https://api.example.org/docs/v3.yaml
    headers: {accept: 'application/json, application/yaml;q=0.9, */*;q=0.5'}
    redirect: true
    """
    And the call 1 to request should have reference /do/0/ask/document
    And the call 2 to request should have reference /do/0/ask
    And the call 2 to request should have arguments:
    """yaml
    method: GET
    uri: https://api.example.org/live/api/pets/a%2Fb?fields=a&fields=b&tags=c,d%20e&filter%5Bmin%5D=1
    headers: {X-Trace: t, cookie: session=s}
    """

  Scenario: Members that are no parameters are the body
    Given a workflow that does:
    """yaml
    do:
      - send:
          call: openapi
          with:
            document: {endpoint: https://api.example.org/docs/v3.yaml}
            operationId: putPet
            parameters: {id: 1, name: Rex, age: 3}
    """
    When the workflow is executed
    Then the call 2 to request should have arguments:
    """yaml
    method: PUT
    uri: https://api.example.org/live/api/pets/1
    headers: {content-type: application/json}
    body: {name: Rex, age: 3}
    """

  Scenario: The whole body may be given as body
    Given a workflow that does:
    """yaml
    do:
      - send:
          call: openapi
          with:
            document: {endpoint: https://api.example.org/docs/v3.yaml}
            operationId: putPet
            parameters: {id: 1, body: '${ .pet }'}
    """
    And the workflow input is:
    """yaml
    pet: {name: Rex}
    """
    When the workflow is executed
    Then the call 2 to request should have arguments:
    """yaml
    method: PUT
    uri: https://api.example.org/live/api/pets/1
    headers: {content-type: application/json}
    body: {name: Rex}
    """

  Scenario: A form goes to the operation's own server
    Given a workflow that does:
    """yaml
    do:
      - send:
          call: openapi
          with:
            document: {endpoint: https://api.example.org/docs/v3.yaml}
            operationId: sendForm
            parameters: {a: x y, b: 'ü'}
    """
    When the workflow is executed
    Then the call 2 to request should have arguments:
    """yaml
    method: POST
    uri: https://forms.example.org/forms
    headers: {content-type: application/x-www-form-urlencoded}
    body: a=x+y&b=%C3%BC
    """

  Scenario: The document is fetched once for an instance
    Given a workflow that does:
    """yaml
    do:
      - first: {call: openapi, with: {document: {endpoint: https://api.example.org/docs/v3.yaml}, operationId: getPet, parameters: {id: 1}}}
      - second: {call: openapi, with: {document: {endpoint: https://api.example.org/docs/v3.yaml}, operationId: getPet, parameters: {id: 2}}}
    """
    And the request GET https://api.example.org/live/api/pets/1 answers:
    """yaml
    body: {id: 1}
    """
    And the request GET https://api.example.org/live/api/pets/2 answers:
    """yaml
    body: {id: 2}
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    id: 2
    """
    And there should be 3 calls to request

  Scenario: Document and request have their own authentications
    Given a workflow that does:
    """yaml
    use: {secrets: [docs, api]}
    do:
      - ask:
          call: openapi
          with:
            document:
              endpoint: {uri: https://api.example.org/docs/v3.yaml, authentication: {bearer: {use: docs}}}
            operationId: getPet
            parameters: {id: 1}
            authentication: {basic: {use: api}}
    """
    And the secrets are:
    """yaml
    docs: {token: t}
    api: {username: u, password: p}
    """
    When the workflow is executed
    Then the call 1 to request should have arguments:
    """yaml
    method: GET
    uri: https://api.example.org/docs/v3.yaml
    headers: {accept: 'application/json, application/yaml;q=0.9, */*;q=0.5'}
    authentication: {bearer: {token: t}}
    redirect: true
    """
    And the call 2 to request should have arguments:
    """yaml
    method: GET
    uri: https://api.example.org/live/api/pets/1
    authentication: {basic: {username: u, password: p}}
    """

  Scenario Outline: <what> is an error
    Given a workflow that does:
    """yaml
    do:
      - ask: {call: openapi, with: {document: {endpoint: https://api.example.org/docs/v3.yaml}, operationId: <operation>, parameters: <parameters>}}
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/<type>
    status: 400
    detail: '<detail>'
    instance: /do/0/ask
    """

    Examples:
      | what                   | operation | parameters           | type          | detail |
      | An unknown operation   | getPets   | {}                   | configuration | the OpenAPI document has no operation `getPets`; did you mean `getPet`? |
      | A missing parameter    | getPet    | {}                   | validation    | the operation `getPet` needs the parameter `id` (path) |
      | An unknown parameter   | getPet    | {id: 1, feilds: [a]} | validation    | the operation `getPet` has no parameter `feilds`; did you mean `fields`? |
      | An unknown property    | putPet    | {id: 1, nme: Rex}    | validation    | the operation `putPet` has no parameter `nme`; did you mean `name`? |
      | A missing body         | putPet    | {id: 1}              | validation    | the operation `putPet` needs a body: give its members, or the whole as `body` |
      | An empty path parameter | getPet   | {id: ''}             | validation    | the path parameter `id` is empty or a dot segment, which would lead to another path |
      | A body twice           | putPet    | {id: 1, name: a, body: {}} | validation | the parameters name the whole `body` and members of it: give one of both |

  Scenario Outline: A document that is <what>
    Given a workflow that does:
    """yaml
    do:
      - ask: {call: openapi, with: {document: {endpoint: https://api.example.org/other}, operationId: a}}
    """
    And the request GET https://api.example.org/other answers:
    """yaml
    <answer>
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/<type>
    status: <status>
    instance: /do/0/ask
    """

    Examples:
      | what         | type          | status | answer |
      | not there    | communication | 404    | {status: 404} |
      | no document  | configuration | 400    | {body: {a: 1}} |
      | too new      | configuration | 400    | {body: {openapi: 4.0.0, paths: {}}} |
      | no YAML      | configuration | 400    | {body: '{a: ['} |
      | without paths | configuration | 400   | {body: {openapi: 3.1.0}} |

  Scenario: Swagger 2.0 places its own kinds of parameters
    Given a workflow that does:
    """yaml
    do:
      - form: {call: openapi, with: {document: {endpoint: 'http://old.example.org:8080/v2/swagger.json'}, operationId: form, parameters: {id: 7, a: x, list: [1, 2], q: [3, 4]}}}
    """
    And the request GET http://old.example.org:8080/v2/swagger.json answers:
    """yaml
    body:
      swagger: '2.0'
      basePath: /base/
      paths:
        /f/{id}:
          post:
            operationId: form
            consumes: [application/x-www-form-urlencoded]
            parameters:
              - {name: id, in: path, required: true, type: integer}
              - {name: a, in: formData, type: string}
              - {name: list, in: formData, type: array, collectionFormat: pipes}
              - {name: q, in: query, type: array, collectionFormat: multi}
    """
    When the workflow is executed
    Then the call 2 to request should have arguments:
    """yaml
    method: POST
    uri: http://old.example.org:8080/base/f/7?q=3&q=4
    headers: {content-type: application/x-www-form-urlencoded}
    body: a=x&list=1%7C2
    """

  Scenario Outline: Refused: <what>
    Given a workflow that does:
    """yaml
    do:
      - a: {call: openapi, with: {<with>}}
    """
    Then the workflow should be refused with <code>

    Examples:
      | what            | code                 | with |
      | no document     | workflow.missing_key | operationId: a |
      | no operation    | workflow.missing_key | document: {endpoint: 'https://example.org'} |
      | an unknown key  | workflow.unknown_key | document: {endpoint: 'https://example.org'}, operationId: a, params: {} |
      | a misspelt endpoint | workflow.unknown_key | document: {endpont: 'https://example.org'}, operationId: a |
      | a list of parameters | workflow.type   | document: {endpoint: 'https://example.org'}, operationId: a, parameters: [a] |
