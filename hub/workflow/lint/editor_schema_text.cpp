#include <string_view>

// The JSON Schema of workflow files as YAML, without the actions of a catalog and the standard
// error types, which editor_schema adds.
namespace rabt::workflow {

[[nodiscard]] std::string_view editor_schema_text();

std::string_view editor_schema_text() {
  return R"yaml($schema: https://json-schema.org/draft/2020-12/schema
title: Rabt workflow
description: A workflow in the Rabt profile of the Open Workflow DSL 1.0.3.
type: object
required: [document, do]
additionalProperties: false
properties:
  document:
    title: Document
    description: Name and version of this workflow, and of the language.
    type: object
    required: [dsl, namespace, name, version]
    additionalProperties: false
    properties:
      dsl:
        title: Version of the language
        description: 1.0.0 to 1.0.x. Quote it.
        type: string
        pattern: '^1\.0\.[0-9]+$'
        default: '1.0.3'
      namespace:
        title: Namespace
        description: Groups workflows. Lower-case letters, digits and `-`.
        $ref: '#/$defs/label'
      name:
        title: Name
        description: Of the workflow. Lower-case letters, digits and `-`.
        $ref: '#/$defs/label'
      version:
        title: Version
        description: A semantic version, quoted. One version stands for one content.
        type: string
        pattern: '^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)([-+].+)?$'
        default: '1.0.0'
      title: {title: Title, description: One line for people., type: string}
      summary: {title: Summary, description: A text for people; Markdown., type: string}
      tags:
        title: Tags
        description: Free key-value pairs.
        type: object
      metadata:
        title: Metadata
        description: Free, but for `rabt`, which holds what this hub adds to the language.
        type: object
        properties:
          rabt:
            title: What this hub adds
            type: object
            additionalProperties: false
            properties:
              businessKey:
                title: Business key
                description: "An expression on the workflow's input. At most one instance with the same value lives."
                $ref: '#/$defs/condition'
              patient:
                title: Patient
                description: "Whose data an instance works on: expressions on the workflow's input, by kind of identifier. The first that has a value names the patient in the audit log."
                type: object
                minProperties: 1
                additionalProperties: false
                properties:
                  identifier: {title: "National id, iqama, passport", $ref: '#/$defs/condition'}
                  mrn: {title: Medical record number, $ref: '#/$defs/condition'}
                  phone: {title: Phone number, $ref: '#/$defs/condition'}
                  email: {title: E-mail address, $ref: '#/$defs/condition'}
              timeZone:
                title: Time zone
                description: IANA name, such as Asia/Riyadh. For `schedule.cron`; UTC without it.
                type: string
              dataClass:
                title: Class of data
                description: What the data of this workflow are.
                enum: [public, internal, patient]
  input: {$ref: '#/$defs/input'}
  use:
    title: Use
    description: What tasks refer to by name.
    type: object
    additionalProperties: false
    properties:
      authentications:
        title: Authentications
        description: Named ways to authenticate HTTP requests.
        type: object
        additionalProperties: {$ref: '#/$defs/authentication'}
      catalogs: {$ref: '#/$defs/catalogs'}
      errors:
        title: Errors
        description: Named errors for `raise`.
        type: object
        additionalProperties: {$ref: '#/$defs/error'}
      extensions:
        title: Extensions
        description: Tasks that run before and after other tasks.
        type: array
        items:
          type: object
          minProperties: 1
          maxProperties: 1
          additionalProperties:
            type: object
            required: [extend]
            additionalProperties: false
            properties:
              extend:
                title: Kind of task
                enum: [call, composite, do, emit, for, fork, listen, raise, run, set, switch, try, wait, all]
              when: {title: Condition, $ref: '#/$defs/condition'}
              before: {title: Before, $ref: '#/$defs/taskList'}
              after: {title: After, $ref: '#/$defs/taskList'}
      functions:
        title: Functions
        description: Named tasks. `call` with the name runs one; its `with` is the input.
        type: object
        additionalProperties: {$ref: '#/$defs/task'}
      retries:
        title: Retry policies
        description: Named policies for `catch.retry`.
        type: object
        additionalProperties: {$ref: '#/$defs/retry'}
      secrets:
        title: Secrets
        description: Names of secrets that expressions may read as $secrets.<name>. Values never stand here.
        type: array
        items: {type: string, minLength: 1}
      timeouts:
        title: Timeouts
        description: Named timeouts.
        type: object
        additionalProperties: {$ref: '#/$defs/timeout'}
  schedule:
    title: Schedule
    description: What starts instances.
    type: object
    minProperties: 1
    additionalProperties: false
    properties:
      'on':
        title: On events
        description: An instance for each match. The workflow's input is the list of events.
        $ref: '#/$defs/strategy'
      every: {title: Every, description: An instance each time this long has passed., $ref: '#/$defs/duration'}
      cron:
        title: Cron
        description: "Five fields: minute, hour, day, month, weekday. The zone is metadata.rabt.timeZone."
        type: string
      after: {title: After, description: A new instance this long after the last one ended., $ref: '#/$defs/duration'}
      read: {$ref: '#/$defs/read'}
  evaluate:
    title: Evaluation
    type: object
    additionalProperties: false
    properties:
      language: {title: Language, const: jq}
      mode: {title: Mode, const: strict}
  timeout:
    title: Timeout of the workflow
    $ref: '#/$defs/timeoutOrName'
  output: {$ref: '#/$defs/output'}
  do:
    title: Tasks
    description: What the workflow does, in order.
    $ref: '#/$defs/taskList'

$defs:
  label: {type: string, pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'}
  expression:
    title: Expression
    description: "jq between ${ and }. Quote it when it holds `: ` or ` #`."
    type: string
    pattern: '^\s*\$\{[\s\S]*\}\s*$'
  condition:
    description: "An expression; here ${ } may be left out."
    type: [string, boolean]
  errorType:
    title: Type
    description: URI of the error's type.
  duration:
    description: "{minutes: 15}, PT15M, or an expression."
    anyOf:
      - type: object
        minProperties: 1
        additionalProperties: false
        properties:
          days: {type: integer, minimum: 0}
          hours: {type: integer, minimum: 0}
          minutes: {type: integer, minimum: 0}
          seconds: {type: integer, minimum: 0}
          milliseconds: {type: integer, minimum: 0}
      - {type: string, pattern: '^P[0-9]*[0-9.]*[YMWDT]', examples: [PT15M, PT30S, P1D]}
      - {$ref: '#/$defs/expression'}
  timeout:
    type: object
    required: [after]
    additionalProperties: false
    properties:
      after: {title: After, $ref: '#/$defs/duration'}
  timeoutOrName:
    description: "Raises the error `timeout` when it is over. A name of use.timeouts, or {after: ...}."
    anyOf:
      - {$ref: '#/$defs/timeout'}
      - {type: string, minLength: 1}
  jsonSchema:
    title: Schema
    type: object
    required: [document]
    additionalProperties: false
    properties:
      format: {title: Format, type: string, default: json, pattern: '^json'}
      document: {title: JSON Schema, type: [object, boolean]}
  input:
    title: Input
    description: What the input must be, and what is taken of it.
    type: object
    additionalProperties: false
    properties:
      from: {title: From, description: Gives `.` and $input., type: [string, object]}
      schema: {$ref: '#/$defs/jsonSchema'}
  output:
    title: Output
    description: What is handed on.
    type: object
    additionalProperties: false
    properties:
      as: {title: As, description: "`.` is what the task gave.", type: [string, object]}
      schema: {$ref: '#/$defs/jsonSchema'}
  export:
    title: Export
    description: What $context becomes.
    type: object
    additionalProperties: false
    properties:
      as:
        title: As
        description: "Replaces $context: write ${ $context + {key: $output} }."
        type: [string, object]
      schema: {$ref: '#/$defs/jsonSchema'}
  then:
    title: Then
    description: continue, exit (leave this list), end (end the workflow), or a task of the same list.
    anyOf:
      - {enum: [continue, exit, end]}
      - {type: string, minLength: 1}
  catalogs:
    title: Catalogs
    description: Pins a role to a plugin or service. Without it the configuration decides.
    type: object
    additionalProperties: {$ref: '#/$defs/catalog'}
  catalog:
    type: object
    required: [endpoint]
    additionalProperties: false
    properties:
      endpoint:
        title: Endpoint
        description: plugin://<plugin> or hub://<service>
        anyOf:
          - {type: string, pattern: '^(plugin|hub)://'}
          - type: object
            required: [uri]
            additionalProperties: false
            properties:
              uri: {type: string, pattern: '^(plugin|hub)://'}
  error:
    title: Error
    type: object
    required: [type, status]
    additionalProperties: false
    properties:
      type: {$ref: '#/$defs/errorType'}
      status:
        title: Status
        description: HTTP status code.
        anyOf:
          - {type: integer, minimum: 100, maximum: 599}
          - {$ref: '#/$defs/expression'}
      title: {title: Title, type: string}
      detail: {title: Detail, type: string}
      instance: {title: Instance, type: string}
  retry:
    title: Retry policy
    type: object
    additionalProperties: false
    properties:
      when: {title: When, description: Retry only when it holds. `.` is the error., $ref: '#/$defs/condition'}
      exceptWhen: {title: Except when, description: Do not retry when it holds., $ref: '#/$defs/condition'}
      delay: {title: Delay, $ref: '#/$defs/duration'}
      backoff:
        title: Growth of the delay
        description: "linear: delay x n. exponential: delay x 2^(n-1)."
        type: object
        minProperties: 1
        maxProperties: 1
        additionalProperties: false
        properties:
          constant: {type: [object, 'null'], maxProperties: 0}
          linear: {type: [object, 'null'], maxProperties: 0}
          exponential: {type: [object, 'null'], maxProperties: 0}
      jitter:
        title: Jitter
        description: Added to the delay.
        type: object
        required: [from, to]
        additionalProperties: false
        properties:
          from: {$ref: '#/$defs/duration'}
          to: {$ref: '#/$defs/duration'}
      limit:
        title: Limit
        type: object
        additionalProperties: false
        properties:
          attempt:
            title: Of attempts
            type: object
            additionalProperties: false
            properties:
              count: {title: Count, description: 'Retries after the first try.', type: integer, minimum: 0, maximum: 10000}
              duration: {title: Duration, description: Of one attempt., $ref: '#/$defs/duration'}
          duration: {title: Duration, description: Of all attempts together., $ref: '#/$defs/duration'}
  read:
    title: Read
    description: "data: the event's data. envelope: the whole event."
    enum: [data, envelope]
  eventAttributes:
    type: object
    required: [type]
    properties:
      type: {title: Type, description: Compared exactly., type: string, minLength: 1}
      source: {title: Source, type: string}
      id: {title: Id, type: string}
      subject: {title: Subject, type: string}
      time: {title: Time, type: string}
      datacontenttype: {title: Content type, type: string}
      dataschema: {title: Schema, type: string}
      specversion: {title: Version of CloudEvents, const: '1.0'}
      data: {title: Data}
  eventFilter:
    title: Event filter
    type: object
    required: [with]
    additionalProperties: false
    properties:
      with: {title: Attributes, description: "All must match. `data` may be an expression on the event's data.", $ref: '#/$defs/eventAttributes'}
      correlate:
        title: Correlation
        description: Which events are this instance's.
        type: object
        additionalProperties:
          type: object
          required: [from]
          additionalProperties: false
          properties:
            from: {title: From, description: A value of the event's envelope., type: string}
            expect: {title: Expect, description: "What it must equal, such as ${ $context.id }."}
  strategy:
    type: object
    minProperties: 1
    additionalProperties: false
    properties:
      one: {title: One event, $ref: '#/$defs/eventFilter'}
      any: {title: Any of these events, type: array, items: {$ref: '#/$defs/eventFilter'}}
      all: {title: One of each, type: array, minItems: 1, items: {$ref: '#/$defs/eventFilter'}}
      until:
        title: Until
        description: With `any`. An expression, or events.
        anyOf:
          - {$ref: '#/$defs/condition'}
          - {$ref: '#/$defs/strategy'}
  authentication:
    title: Authentication
    type: object
    minProperties: 1
    maxProperties: 1
    additionalProperties: false
    properties:
      use: {title: Name, description: Of use.authentications., type: string, minLength: 1}
      basic: {title: Basic, $ref: '#/$defs/userAndPassword'}
      digest: {title: Digest, $ref: '#/$defs/userAndPassword'}
      bearer:
        title: Bearer
        type: object
        additionalProperties: false
        properties:
          token: {title: Token, type: string}
          use: {$ref: '#/$defs/secretName'}
      oauth2: {title: OAuth 2, $ref: '#/$defs/oauth2'}
      oidc: {title: OpenID Connect, $ref: '#/$defs/oauth2'}
  secretName: {title: Secret, description: 'Of use.secrets; it holds the other members.', type: string, minLength: 1}
  userAndPassword:
    type: object
    additionalProperties: false
    properties:
      username: {title: User, type: string}
      password: {title: Password, description: 'Write ${ $secrets.<name> }.', type: string}
      use: {$ref: '#/$defs/secretName'}
  oauth2:
    type: object
    additionalProperties: false
    properties:
      use: {$ref: '#/$defs/secretName'}
      authority: {title: Authority, description: 'URI of the server.', type: string}
      grant:
        title: Grant
        enum: [client_credentials, password, refresh_token, authorization_code, 'urn:ietf:params:oauth:grant-type:token-exchange']
      client:
        title: Client
        type: object
        additionalProperties: false
        properties:
          id: {title: Id, type: string}
          secret: {title: Secret, description: 'Write ${ $secrets.<name> }.', type: string}
          assertion: {title: Assertion, type: string}
          authentication:
            title: Method
            enum: [client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, none]
      request:
        title: Request
        type: object
        additionalProperties: false
        properties:
          encoding: {enum: [application/x-www-form-urlencoded, application/json]}
      endpoints:
        title: Endpoints
        type: object
        additionalProperties: false
        properties:
          token: {type: string}
          revocation: {type: string}
          introspection: {type: string}
      issuers: {type: array, items: {type: string}}
      scopes: {type: array, items: {type: string}}
      audiences: {type: array, items: {type: string}}
      username: {type: string}
      password: {type: string}
      subject: {$ref: '#/$defs/oauth2Token'}
      actor: {$ref: '#/$defs/oauth2Token'}
  oauth2Token:
    type: object
    required: [token, type]
    additionalProperties: false
    properties:
      token: {type: string}
      type: {type: string}
  endpoint:
    title: Endpoint
    description: "A URI, a URI template, an expression, or {uri, authentication}."
    anyOf:
      - {type: string, minLength: 1}
      - type: object
        required: [uri]
        additionalProperties: false
        properties:
          uri: {title: URI, type: string, minLength: 1}
          authentication: {$ref: '#/$defs/authentication'}
  httpOutput:
    title: Output
    description: "content: the body. response: status, headers and body. raw: the body as base64."
    enum: [content, response, raw]
  httpArguments:
    title: HTTP request
    type: object
    required: [method, endpoint]
    additionalProperties: false
    properties:
      method:
        title: Method
        anyOf:
          - {enum: [get, post, put, patch, delete, head, options, GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS]}
          - {type: string}
      endpoint: {$ref: '#/$defs/endpoint'}
      headers: {title: Headers, type: [object, string]}
      query: {title: Query, type: [object, string]}
      body: {title: Body}
      output: {$ref: '#/$defs/httpOutput'}
      redirect: {title: Redirect, description: 'Whether 3xx answers are fine.', type: boolean}
  openapiArguments:
    title: OpenAPI operation
    type: object
    required: [document, operationId]
    additionalProperties: false
    properties:
      document:
        title: OpenAPI document
        type: object
        required: [endpoint]
        additionalProperties: false
        properties:
          name: {type: string}
          endpoint: {$ref: '#/$defs/endpoint'}
      operationId: {title: Operation, type: string, minLength: 1}
      parameters: {title: Parameters, type: [object, string]}
      authentication: {$ref: '#/$defs/authentication'}
      output: {$ref: '#/$defs/httpOutput'}
      redirect: {title: Redirect, type: boolean}
  taskList:
    type: array
    minItems: 1
    items:
      title: Task
      description: '- name: {...}'
      type: object
      minProperties: 1
      maxProperties: 1
      additionalProperties: {$ref: '#/$defs/task'}
  task:
    type: object
    additionalProperties: false
    properties:
      if: {title: If, description: 'Skips the task when it does not hold. `.` is the raw input.', $ref: '#/$defs/condition'}
      input: {$ref: '#/$defs/input'}
      output: {$ref: '#/$defs/output'}
      export: {$ref: '#/$defs/export'}
      timeout: {title: Timeout, $ref: '#/$defs/timeoutOrName'}
      then: {$ref: '#/$defs/then'}
      metadata:
        title: Metadata
        description: Free, but for `rabt`, which holds what this hub adds to the language.
        type: object
        properties:
          rabt:
            title: What this hub adds
            type: object
            additionalProperties: false
            properties:
              idempotency:
                title: Idempotency
                description: "Of an HTTP request. key: it may be repeated."
                enum: [key, none]
              compensate:
                title: Compensation
                description: The action that undoes this task when the workflow fails.
                type: object
                required: [call]
                additionalProperties: false
                properties:
                  call: {title: Action, type: string}
                  with: {title: Arguments, type: [object, string]}
              commit: {title: Commit, description: What was done before is not undone any more., type: boolean}
              until: {title: Until, description: A wait until this time., type: [string, number, object]}
              usefulUntil: {title: Useful until, description: After this time the work is pointless., type: [string, number, object]}
              dataClass: {title: Class of data, description: "patient on emit: the data are meant to hold marked data.", enum: [public, internal, patient]}
      call:
        title: Call
        description: "<action>:<version>@<role>, a name of use.functions, http, or openapi."
        anyOf:
          - {const: http, title: HTTP request}
          - {const: openapi, title: OpenAPI operation}
          - {type: string, minLength: 1, not: {enum: [grpc, asyncapi, a2a, mcp]}}
      with:
        title: Arguments
        description: Of the call.
        type: [object, string]
      do: {title: Tasks, description: 'A list of tasks, or the body of a loop.', $ref: '#/$defs/taskList'}
      set:
        title: Set
        description: The task's output is this value.
        anyOf:
          - {type: object}
          - {$ref: '#/$defs/expression'}
      switch:
        title: Switch
        description: The first case that holds says what comes next.
        type: array
        minItems: 1
        items:
          type: object
          minProperties: 1
          maxProperties: 1
          additionalProperties:
            type: object
            required: [then]
            additionalProperties: false
            properties:
              when: {title: When, description: 'Left out: taken when no other case holds.', $ref: '#/$defs/condition'}
              then: {$ref: '#/$defs/then'}
      for:
        title: For each
        type: object
        required: [in]
        additionalProperties: false
        properties:
          each: {title: Each, description: 'Name of the variable; item without it.', type: string, default: item}
          in: {title: In, description: An expression that gives a list., type: [string, array]}
          at: {title: At, description: 'Name of the variable for the position; index without it.', type: string, default: index}
      while: {title: While, description: Checked before each iteration., $ref: '#/$defs/condition'}
      fork:
        title: Fork
        description: Branches at the same time.
        type: object
        required: [branches]
        additionalProperties: false
        properties:
          compete: {title: Compete, description: The first to finish wins; the others are cancelled., type: boolean}
          branches: {title: Branches, $ref: '#/$defs/taskList'}
      listen:
        title: Listen
        description: Waits for events. The output is the list of them.
        type: object
        required: [to]
        additionalProperties: false
        properties:
          to: {title: To, $ref: '#/$defs/strategy'}
          read: {$ref: '#/$defs/read'}
      foreach:
        title: For each event
        type: object
        additionalProperties: false
        properties:
          item: {title: Item, description: Name of the variable., type: string, default: item}
          at: {title: At, description: Name of the variable for the position., type: string, default: index}
          do: {title: Tasks, $ref: '#/$defs/taskList'}
          output: {$ref: '#/$defs/output'}
          export: {$ref: '#/$defs/export'}
      emit:
        title: Emit
        description: Publishes an event.
        type: object
        required: [event]
        additionalProperties: false
        properties:
          event:
            title: Event
            type: object
            required: [with]
            additionalProperties: false
            properties:
              with: {title: Attributes, $ref: '#/$defs/eventAttributes'}
      raise:
        title: Raise
        description: Raises an error.
        type: object
        required: [error]
        additionalProperties: false
        properties:
          error:
            title: Error
            description: A name of use.errors, an error, or an expression.
            anyOf:
              - {$ref: '#/$defs/error'}
              - {type: string, minLength: 1}
      run:
        title: Run
        description: Another workflow.
        type: object
        required: [workflow]
        additionalProperties: false
        properties:
          workflow:
            title: Workflow
            type: object
            required: [namespace, name, version]
            additionalProperties: false
            properties:
              namespace: {title: Namespace, $ref: '#/$defs/label'}
              name: {title: Name, $ref: '#/$defs/label'}
              version: {title: Version, description: 'A semantic version, or latest.', type: string}
              input: {title: Input}
          await: {title: Await, description: 'false: start it and go on.', type: boolean, default: true}
          return: {title: Return, enum: [stdout, none]}
      wait: {title: Wait, $ref: '#/$defs/duration'}
      try: {title: Try, $ref: '#/$defs/taskList'}
      catch:
        title: Catch
        type: object
        additionalProperties: false
        properties:
          errors:
            title: Errors
            description: Which errors; without it all.
            type: object
            required: [with]
            additionalProperties: false
            properties:
              with:
                title: With
                description: Compared by equality.
                type: object
                minProperties: 1
                additionalProperties: false
                properties:
                  type: {$ref: '#/$defs/errorType'}
                  status: {title: Status, type: integer}
                  title: {title: Title, type: string}
                  detail: {title: Detail, type: string}
                  details: {title: Detail, description: 'As detail.', type: string}
                  instance: {title: Instance, type: string}
          as: {title: As, description: 'Name of the variable; error without it.', type: string, default: error}
          when: {title: When, $ref: '#/$defs/condition'}
          exceptWhen: {title: Except when, $ref: '#/$defs/condition'}
          retry:
            title: Retry
            description: A name of use.retries, or a policy.
            anyOf:
              - {$ref: '#/$defs/retry'}
              - {type: string, minLength: 1}
          do: {title: Tasks, description: They handle the error., $ref: '#/$defs/taskList'}
          then: {$ref: '#/$defs/then'}
    allOf:
      - oneOf:
          - required: [call]
          - {required: [do], not: {required: [for]}}
          - required: [set]
          - required: [switch]
          - required: [for, do]
          - required: [fork]
          - required: [listen]
          - required: [emit]
          - required: [raise]
          - required: [run]
          - required: [try, catch]
          - required: [wait]
      - {if: {required: [with]}, then: {required: [call]}}
      - {if: {required: [while]}, then: {required: [for]}}
      - {if: {required: [catch]}, then: {required: [try]}}
      - {if: {required: [foreach]}, then: {required: [listen]}}
      - if: {properties: {call: {const: http}}, required: [call]}
        then: {required: [with], properties: {with: {$ref: '#/$defs/httpArguments'}}}
      - if: {properties: {call: {const: openapi}}, required: [call]}
        then: {required: [with], properties: {with: {$ref: '#/$defs/openapiArguments'}}}
)yaml";
}

}  // namespace rabt::workflow
