Feature: Rulings
  Where the specification leaves a choice, this is the one that is made here (docs/workflow.md, "Rulings").

  Scenario: A catch with retry and do retries first, and handles when the retries are used up
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer}
          catch:
            retry: {delay: PT1S, limit: {attempt: {count: 2}}}
            do:
              - handled: {set: {status: '${ $error.status }'}}
    """
    When the workflow is executed
    And the action ask fails with:
    """yaml
    {outcome: transient}
    """
    Then handled should not run
    When the time passes PT1S
    And the action ask fails with:
    """yaml
    {outcome: transient}
    """
    Then handled should not run
    When the time passes PT1S
    And the action ask fails with:
    """yaml
    {outcome: transient}
    """
    Then the workflow should complete with output:
    """yaml
    status: 503
    """
    And handled should run 1 time

  Scenario: The attempt count counts retries
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer}
          catch: {retry: {limit: {attempt: {count: 1}}}}
    """
    When the workflow is executed
    And the action ask fails with:
    """yaml
    {outcome: transient}
    """
    And the time passes PT0S
    Then the call 2 to ask should be attempt 2
    When the action ask fails with:
    """yaml
    {outcome: transient, status: 502}
    """
    Then the workflow should fault with error:
    """yaml
    type: https://serverlessworkflow.io/spec/1.0.0/errors/communication
    status: 502
    """
    And there should be 2 calls to ask
    And guarded should be retried 1 time

  Scenario Outline: The <backoff> delay of retry <n> is <due>
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer}
          catch: {retry: {delay: PT10S, backoff: {<backoff>: {}}, limit: {attempt: {count: 9}}}}
    """
    When the workflow is executed
    And the action ask fails with:
    """yaml
    {outcome: transient}
    """
    And the time passes <after first>
    And the action ask fails with:
    """yaml
    {outcome: transient}
    """
    And the time passes <after second>
    And the action ask fails with:
    """yaml
    {outcome: transient}
    """
    Then a timer should be due in <due>
    And guarded should be retried <n> times

    Examples:
      | backoff     | n | after first | after second | due   |
      | constant    | 3 | PT10S       | PT10S        | PT10S |
      | linear      | 3 | PT10S       | PT20S        | PT30S |
      | exponential | 3 | PT10S       | PT20S        | PT40S |

  Scenario: A growing delay stops at a quarter of an hour
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer}
          catch: {retry: {delay: PT10M, backoff: {exponential: {}}, limit: {attempt: {count: 9}}}}
    """
    When the workflow is executed
    And the action ask fails with:
    """yaml
    {outcome: transient}
    """
    And the time passes PT10M
    And the action ask fails with:
    """yaml
    {outcome: transient}
    """
    Then a timer should be due in PT15M

  Scenario: A plugin that asks to wait is waited for
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer}
          catch: {retry: {delay: PT1S, limit: {attempt: {count: 9}}}}
    """
    When the workflow is executed
    And the action ask fails with:
    """yaml
    {outcome: transient, retry_after_ms: 90000}
    """
    Then a timer should be due in PT90S

  Scenario Outline: retry.when looks at the error: status <status>
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer}
          catch: {retry: {when: '${ .status >= 500 and $error.status >= 500 }', limit: {attempt: {count: 5}}}}
    """
    When the workflow is executed
    And the action ask fails with:
    """yaml
    {outcome: permanent, status: <status>}
    """
    And the time passes PT0S
    Then there should be <calls> calls to ask

    Examples:
      | status | calls |
      | 500    | 2     |
      | 404    | 1     |

  Scenario: A permanent failure is not repeated, and the handler has it at once
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer}
          catch:
            retry: {limit: {attempt: {count: 5}}}
            do:
              - handled: {set: {status: '${ $error.status }'}}
    """
    When the workflow is executed
    And the action ask fails with:
    """yaml
    {outcome: permanent}
    """
    Then the workflow should complete with output:
    """yaml
    status: 422
    """
    And there should be 1 call to ask

  Scenario Outline: A permanent failure is repeated where the file asks for it: <asked>
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer}
          catch: <asked>
    """
    When the workflow is executed
    And the action ask fails with:
    """yaml
    {outcome: permanent, code: payer.closed, status: 423}
    """
    And the time passes PT0S
    Then there should be <calls> to ask

    Examples:
      | asked | calls |
      | {retry: {when: '${ .status == 423 }', limit: {attempt: {count: 5}}}} | 2 calls |
      | {errors: {with: {status: 423}}, retry: {limit: {attempt: {count: 5}}}} | 2 calls |
      | {errors: {with: {title: payer.closed}}, retry: {limit: {attempt: {count: 5}}}} | 2 calls |
      | {errors: {with: {type: https://open-workflow-specification.org/spec/1.0.0/errors/communication}}, retry: {limit: {attempt: {count: 5}}}} | 1 call |
      | {when: '${ .status == 423 }', retry: {limit: {attempt: {count: 5}}}} | 1 call |
      | {retry: {exceptWhen: '${ .status == 404 }', limit: {attempt: {count: 5}}}} | 1 call |

  Scenario: The timeout of a call is repeated as a peer that does not answer
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer, timeout: {after: PT10S}}
          catch: {retry: {delay: PT1S, limit: {attempt: {count: 1}}}}
    """
    When the workflow is executed
    And the time passes PT10S
    And the time passes PT1S
    Then the call 2 to ask should be attempt 2
    When the time passes PT10S
    Then the workflow should fault with error:
    """yaml
    {type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout, status: 408, title: the task took longer than its timeout allows, instance: /do/0/guarded/try/0/ask}
    """

  Scenario: What the workflow itself raises is repeated
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer}
            - later: {raise: {error: {type: https://example.org/not-ready, status: 425, title: Not ready}}}
          catch: {retry: {limit: {attempt: {count: 1}}}}
    """
    When the workflow is executed
    And the action ask answers:
    """yaml
    {}
    """
    And the time passes PT0S
    Then there should be 2 calls to ask

  Scenario: A mistake in an expression is not repeated
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer}
            - broken: {set: {sum: '${ 1 + "a" }'}}
          catch: {retry: {limit: {attempt: {count: 5}}}}
    """
    When the workflow is executed
    And the action ask answers:
    """yaml
    {}
    """
    Then there should be 1 call to ask
    And the workflow should fault with error:
    """yaml
    {type: https://open-workflow-specification.org/spec/1.0.0/errors/expression, status: 400}
    """

  Scenario: The caught error is $error when nothing else is written
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - broken: {raise: {error: {type: https://example.org/broken, status: 500, title: Broken}}}
          catch:
            do:
              - handled: {set: {title: '${ $error.title }', instance: '${ $error.instance }'}}
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    title: Broken
    instance: /do/0/guarded/try/0/broken
    """

  Scenario: The context of a failed try is kept
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - remember: {set: {a: 1}, export: {as: '${ {seen: .a} }'}}
            - broken: {raise: {error: {type: https://example.org/broken, status: 500}}}
          catch:
            do:
              - handled: {set: {seen: '${ $context.seen }'}}
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    seen: 1
    """

  Scenario: A catch without do gives the input of its try
    Given a workflow that does:
    """yaml
    do:
      - before: {set: {kept: true}}
      - guarded:
          try:
            - inner: {set: {lost: true}}
            - broken: {raise: {error: {type: https://example.org/broken, status: 500}}}
          catch: {}
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    kept: true
    """

  Scenario: In export.as the dot is the output of the task, and the context is replaced
    Given a workflow that does:
    """yaml
    do:
      - first: {set: {a: 1}, export: {as: '${ {first: .a} }'}}
      - second: {set: {b: 2}, output: {as: '${ {c: .b} }'}, export: {as: '${ {second: .c, same: ($output == .)} }'}}
    """
    When the workflow is executed
    Then the workflow should complete
    And the context should be:
    """yaml
    second: 2
    same: true
    """

  Scenario: In a race the first to finish wins and the others are cancelled
    Given a workflow that does:
    """yaml
    do:
      - race:
          fork:
            compete: true
            branches:
              - slow: {call: slow:1.0.0@payer}
              - fast: {call: fast:1.0.0@payer}
    """
    When the workflow is executed
    And the action fast answers:
    """yaml
    winner: fast
    """
    Then the workflow should complete with output:
    """yaml
    winner: fast
    """
    And 1 call should be cancelled
    And slow should cancel

  Scenario: A fork gives its outputs in the order of its branches
    Given a workflow that does:
    """yaml
    do:
      - both:
          fork:
            branches:
              - one: {call: one:1.0.0@payer}
              - two: {call: two:1.0.0@payer}
    """
    When the workflow is executed
    And the action two answers:
    """yaml
    2
    """
    And the action one answers:
    """yaml
    1
    """
    Then the workflow should complete with output:
    """yaml
    [1, 2]
    """

  Scenario: Branches have copies of the context, merged in the order of the branches
    Given a workflow that does:
    """yaml
    do:
      - start: {set: {x: 0}, export: {as: '${ {x: 0, kept: true} }'}}
      - both:
          fork:
            branches:
              - one:
                  do:
                    - ask: {call: ask:1.0.0@payer}
                    - write: {set: {sees: '${ $context.x }'}, export: {as: '${ $context + {one: .sees} }'}}
              - two: {set: {x: 2}, export: {as: '${ $context + {x: .x} }'}}
    """
    When the workflow is executed
    And the action ask answers:
    """yaml
    {}
    """
    Then the workflow should complete
    And the context should be:
    """yaml
    {x: 2, kept: true, one: 0}
    """

  Scenario: A branch that faults cancels the others
    Given a workflow that does:
    """yaml
    do:
      - both:
          fork:
            branches:
              - waits: {call: slow:1.0.0@payer}
              - breaks: {raise: {error: {type: https://example.org/broken, status: 409}}}
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    {type: https://example.org/broken, status: 409, instance: /do/0/both/fork/branches/1/breaks}
    """
    And waits should cancel
    And 1 call should be cancelled

  Scenario: The then of a skipped task is ignored
    Given a workflow that does:
    """yaml
    do:
      - skipped: {if: '${ false }', set: {a: 1}, then: end}
      - next: {set: {b: 2}}
    """
    When the workflow is executed
    Then skipped should be skipped
    And the workflow should complete with output:
    """yaml
    b: 2
    """

  Scenario: The first case that holds is taken
    Given a workflow that does:
    """yaml
    do:
      - choose:
          switch:
            - a: {when: '${ .n > 0 }', then: first}
            - b: {when: '${ .n > 1 }', then: second}
      - second: {set: {took: b}, then: end}
      - first: {set: {took: a}}
    """
    And the workflow input is:
    """yaml
    n: 5
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    took: a
    """

  Scenario Outline: The case without a condition is for what no other case takes: <n>
    Given a workflow that does:
    """yaml
    do:
      - choose:
          switch:
            - otherwise: {then: rest}
            - big: {when: '${ .n > 1 }', then: large}
      - large: {set: {took: big}, then: end}
      - rest: {set: {took: otherwise}}
    """
    And the workflow input is:
    """yaml
    n: <n>
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    took: <took>
    """

    Examples:
      | n | took      |
      | 1 | otherwise |
      | 5 | big       |

  Scenario: The error filter may be called detail or, as the schema of 1.0.3 has it, details
    Given a workflow that does:
    """yaml
    do:
      - outer:
          try:
            - inner:
                try:
                  - fail: {raise: {error: {type: https://example.org/e, status: 400, detail: no slot}}}
                catch:
                  errors: {with: {details: another}}
                  do: [wrong: {set: {caught: inner}}]
          catch:
            errors: {with: {details: no slot}}
            do: [right: {set: {caught: outer}}]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    caught: outer
    """

  Scenario: The output of an emit is the event
    Given a workflow that does:
    """yaml
    do:
      - tell: {emit: {event: {with: {type: org.example.told.v1, data: {a: 1}}}}}
    """
    When the workflow is executed
    Then the workflow output should have properties 'specversion', 'id', 'source', 'type', 'time', 'data.a'
    And the event org.example.told.v1 should be emitted with:
    """yaml
    {source: /test/sample/1.0.0, data: {a: 1}}
    """

  Scenario Outline: An event whose <attribute> is <value> is not emitted
    Given a workflow that does:
    """yaml
    do:
      - tell: {emit: {event: {with: {type: told.v1, <attribute>: '${ .value }'}}}}
    """
    And the workflow input is:
    """yaml
    value: <value>
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/validation
    status: 400
    instance: /do/0/tell
    """

    Examples:
      | attribute | value      |
      | subject   | [1]        |
      | subject   | 5          |
      | id        | ''         |
      | source    | {a: 1}     |
      | time      | yesterday  |
      | tenant    | {a: 1}     |

  Scenario: An event may have attributes of its own, and those that are null are left out
    Given a workflow that does:
    """yaml
    do:
      - tell: {emit: {event: {with: {type: told.v1, tenant: '${ .tenant }', subject: '${ .none }', urgent: true}}}}
    """
    And the workflow input is:
    """yaml
    tenant: north
    """
    When the workflow is executed
    Then the event told.v1 should be emitted with:
    """yaml
    {tenant: north, urgent: true, source: /test/sample/1.0.0}
    """

  Scenario: No result is null
    Given a workflow that does:
    """yaml
    do:
      - a: {set: {x: '${ empty }'}}
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    x: null
    """

  Scenario: Several results are an error
    Given a workflow that does:
    """yaml
    do:
      - a: {set: {x: '${ .[] }'}}
    """
    And the workflow input is:
    """yaml
    [1, 2]
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/expression
    status: 400
    instance: /do/0/a
    """

  Scenario: Event types are compared exactly
    Given a workflow that does:
    """yaml
    do:
      - hear: {listen: {to: {one: {with: {type: a.ended.v1}}}}, timeout: {after: PT1H}}
    """
    When the workflow is executed
    And the event is received, but not taken:
    """yaml
    type: xa-ended-v10
    """
    And the event is received, but not taken:
    """yaml
    type: a.ended.v10
    """
    And the event is received:
    """yaml
    type: a.ended.v1
    """
    Then the workflow should complete

  Scenario: Every listen that waits gets the event, and none gets it twice
    Given a workflow that does:
    """yaml
    do:
      - both:
          timeout: {after: PT1H}
          fork:
            branches:
              - one: {listen: {to: {one: {with: {type: a.v1}}}}}
              - two: {listen: {to: {all: [{with: {type: a.v1}}, {with: {type: a.v1, subject: again}}]}}}
    """
    When the workflow is executed
    And the event is received:
    """yaml
    {type: a.v1, id: same, data: 1}
    """
    Then one should complete
    When the event is received, but not taken:
    """yaml
    {type: a.v1, id: same, subject: again, data: 1}
    """
    And the event is received:
    """yaml
    {type: a.v1, id: other, subject: again, data: 2}
    """
    Then the workflow should complete with output:
    """yaml
    [[1], [1, 2]]
    """

  Scenario: References name the index and the name, iterations and the catch
    Given a workflow that does:
    """yaml
    do:
      - loop:
          for: {in: '${ [1, 2] }'}
          do:
            - ask: {call: ask:1.0.0@payer}
      - guarded:
          try:
            - broken: {raise: {error: {type: https://example.org/broken, status: 500}}}
          catch:
            do:
              - mend: {call: mend:1.0.0@payer}
    """
    When the workflow is executed
    And the action ask answers:
    """yaml
    {}
    """
    And the action ask answers:
    """yaml
    {}
    """
    Then the call 1 to ask should have reference /do/0/loop/for/0/do/0/ask
    And the call 2 to ask should have reference /do/0/loop/for/1/do/0/ask
    And the call 1 to mend should have reference /do/1/guarded/catch/do/0/mend

  Scenario: A timeout cancels the work in progress, and a late result is ignored
    Given a workflow that does:
    """yaml
    do:
      - ask: {call: ask:1.0.0@payer, timeout: {after: PT5S}}
    """
    When the workflow is executed
    And the time passes PT5S
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout
    status: 408
    """
    And 1 call should be cancelled
    And ask should fault with error:
    """yaml
    {type: https://serverlessworkflow.io/spec/1.0.0/errors/timeout, status: 408, instance: /do/0/ask}
    """

  Scenario: Text around an expression is refused
    Given a workflow that does:
    """yaml
    do:
      - a: {set: {greeting: 'Hi ${ .name }!'}}
    """
    Then the workflow should be refused with workflow.interpolation

  Scenario: Loops have a limit
    Given a workflow that does:
    """yaml
    do:
      - many:
          for: {in: '${ [range(10001)] }'}
          do: [{a: {set: {b: 1}}}]
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/runtime
    status: 500
    """

  Scenario: Numbers keep their digits
    Given a workflow that does:
    """yaml
    do:
      - a: {set: {price: '${ .price }', big: '${ .big }'}}
    output: {as: '${ [(.price | tostring), (.big | tostring)] }'}
    """
    And the workflow input is:
    """yaml
    price: 10.10
    big: 9007199254740993
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    ['10.10', '9007199254740993']
    """

  Scenario: Both families of error URIs name the same error
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - broken: {raise: {error: {type: 'https://serverlessworkflow.io/spec/1.0.0/errors/runtime', status: 500}}}
          catch: {errors: {with: {type: 'https://open-workflow-specification.org/spec/1.0.0/errors/runtime'}}}
    """
    When the workflow is executed
    Then the workflow should complete
    And broken should fault
