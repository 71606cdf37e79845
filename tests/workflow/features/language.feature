Feature: The language
  What the conformance kit never reaches.

  Scenario: A task runs only when its condition holds on its raw input
    Given a workflow that does:
    """yaml
    do:
      - no: {if: .wanted == false, input: {from: '${ {wanted: false} }'}, set: {a: 1}}
      - yes: {if: .wanted, set: {b: '${ .wanted }'}}
    """
    And the workflow input is:
    """yaml
    wanted: true
    """
    When the workflow is executed
    Then no should be skipped
    And yes should complete with output:
    """yaml
    b: true
    """
    And the workflow should complete

  Scenario: The workflow shapes its input and output, and reads the context
    Given a workflow that does:
    """yaml
    input: {from: .inner}
    do:
      - a: {set: {n: '${ .n + 1 }'}, export: {as: '${ {last: .n} }'}}
    output: {as: '${ {result: .n, context: $context.last, raw: $workflow.input.inner.n} }'}
    """
    And the workflow input is:
    """yaml
    inner: {n: 1}
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    {result: 2, context: 2, raw: 1}
    """

  Scenario Outline: A schema guards the <place>
    Given a workflow that does:
    """yaml
    <workflow>
    """
    And the workflow input is:
    """yaml
    n: text
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/validation
    status: 400
    instance: <instance>
    """

    Examples:
      | place              | instance | workflow |
      | workflow's input   | /        | input: {schema: {document: {properties: {n: {type: number}}}}}\ndo: [{a: {set: {b: 1}}}] |
      | task's input       | /do/0/a  | do: [{a: {input: {schema: {document: {properties: {n: {type: number}}}}}, set: {b: 1}}}] |
      | task's output      | /do/0/a  | do: [{a: {set: {b: 1}, output: {schema: {document: {required: [c]}}}}}] |
      | context            | /do/0/a  | do: [{a: {set: {b: 1}, export: {as: ., schema: {document: {type: array}}}}}] |
      | workflow's output  | /        | output: {schema: {document: {required: [c]}}}\ndo: [{a: {set: {b: 1}}}] |

  Scenario: A wait passes its input on after its time
    Given a workflow that does:
    """yaml
    do:
      - pause: {wait: {seconds: 90}}
    """
    And the workflow input is:
    """yaml
    a: 1
    """
    When the workflow is executed
    Then the workflow should be waiting
    And a timer should be due in PT90S
    When the time passes PT89S
    Then the workflow should be waiting
    When the time passes PT1S
    Then the workflow should complete with output:
    """yaml
    a: 1
    """

  Scenario: A wait takes its length from an expression
    Given a workflow that does:
    """yaml
    do:
      - pause: {wait: '${ .length }'}
    """
    And the workflow input is:
    """yaml
    length: {hours: 1, minutes: 30}
    """
    When the workflow is executed
    Then a timer should be due in PT90M

  Scenario: Listening for one event gives an array
    Given a workflow that does:
    """yaml
    do:
      - hear: {listen: {to: {one: {with: {type: a.v1, data: '${ .n > 1 }'}}}}, timeout: {after: PT1H}}
    """
    When the workflow is executed
    And the event is received, but not taken:
    """yaml
    {type: a.v1, data: {n: 1}}
    """
    And the event is received:
    """yaml
    {type: a.v1, data: {n: 2}}
    """
    Then the workflow should complete with output:
    """yaml
    [{n: 2}]
    """

  Scenario: Listening for any takes the first
    Given a workflow that does:
    """yaml
    do:
      - hear: {listen: {to: {any: [{with: {type: a.v1}}, {with: {type: b.v1}}]}, read: envelope}, timeout: {after: PT1H}}
    output: {as: '.[0].type'}
    """
    When the workflow is executed
    And the event is received:
    """yaml
    type: b.v1
    """
    Then the workflow should complete with output:
    """yaml
    b.v1
    """

  Scenario: Listening for all waits for each
    Given a workflow that does:
    """yaml
    do:
      - hear: {listen: {to: {all: [{with: {type: a.v1}}, {with: {type: b.v1}}]}}, timeout: {after: PT1H}}
    """
    When the workflow is executed
    And the event is received:
    """yaml
    {type: b.v1, data: b}
    """
    Then the workflow should be waiting
    When the event is received, but not taken:
    """yaml
    {type: b.v1, data: again}
    """
    And the event is received:
    """yaml
    {type: a.v1, data: a}
    """
    Then the workflow should complete with output:
    """yaml
    [b, a]
    """

  Scenario: Listening goes on until an expression holds
    Given a workflow that does:
    """yaml
    do:
      - hear: {listen: {to: {any: [{with: {type: a.v1}}], until: '${ length == 2 }'}}, timeout: {after: PT1H}}
    """
    When the workflow is executed
    And the event is received:
    """yaml
    {type: a.v1, data: 1}
    """
    Then the workflow should be waiting
    When the event is received:
    """yaml
    {type: a.v1, data: 2}
    """
    Then the workflow should complete with output:
    """yaml
    [1, 2]
    """

  Scenario: Listening goes on until another event
    Given a workflow that does:
    """yaml
    do:
      - hear: {listen: {to: {any: [{with: {type: a.v1}}], until: {one: {with: {type: stop.v1}}}}}, timeout: {after: PT1H}}
    """
    When the workflow is executed
    And the event is received:
    """yaml
    {type: a.v1, data: 1}
    """
    And the event is received:
    """yaml
    {type: stop.v1, data: ignored}
    """
    Then the workflow should complete with output:
    """yaml
    [1]
    """

  Scenario: Correlation takes the events of this instance only
    Given a workflow that does:
    """yaml
    do:
      - remember: {set: {session: S1}, export: {as: .}}
      - hear:
          timeout: {after: PT1H}
          listen:
            to:
              one:
                with: {type: ended.v1}
                correlate: {session: {from: .data.session, expect: '${ $context.session }'}}
    """
    When the workflow is executed
    And the event is received, but not taken:
    """yaml
    {type: ended.v1, data: {session: S2}}
    """
    And the event is received:
    """yaml
    {type: ended.v1, data: {session: S1}}
    """
    Then the workflow should complete

  Scenario: A timeout on a listen is caught
    Given a workflow that does:
    """yaml
    do:
      - atMost:
          try:
            - hear: {listen: {to: {one: {with: {type: a.v1}}}}, timeout: {after: PT10M}}
          catch:
            errors: {with: {type: 'https://open-workflow-specification.org/spec/1.0.0/errors/timeout'}}
            do:
              - nobody: {set: {came: false}}
    """
    When the workflow is executed
    And the time passes PT10M
    Then the workflow should complete with output:
    """yaml
    came: false
    """
    And hear should fault

  Scenario: The timeout of the workflow ends everything
    Given a workflow that does:
    """yaml
    timeout: {after: PT1M}
    do:
      - pause: {wait: PT1H}
    """
    When the workflow is executed
    And the time passes PT1M
    Then the workflow should fault with error:
    """yaml
    {type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout, status: 408, instance: /}
    """
    And pause should cancel

  Scenario: An attempt that takes too long is retried
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer}
          catch: {retry: {limit: {attempt: {count: 1, duration: PT5S}}}}
    """
    When the workflow is executed
    And the time passes PT5S
    Then there should be 2 calls to ask
    And 1 call should be cancelled
    When the action ask answers:
    """yaml
    ok: true
    """
    Then the workflow should complete

  Scenario: Retries end when all together took too long
    Given a workflow that does:
    """yaml
    do:
      - guarded:
          try:
            - ask: {call: ask:1.0.0@payer}
          catch: {retry: {delay: PT40S, limit: {duration: PT1M}}}
    """
    When the workflow is executed
    And the action ask fails with:
    """yaml
    {outcome: transient}
    """
    And the time passes PT40S
    And the action ask fails with:
    """yaml
    {outcome: transient}
    """
    Then the workflow should fault
    And there should be 2 calls to ask

  Scenario: exit leaves the list, and end the workflow
    Given a workflow that does:
    """yaml
    do:
      - outer:
          do:
            - a: {set: {n: 1}, then: exit}
            - never: {set: {n: 2}}
      - b: {set: {n: '${ .n + 10 }'}, then: end}
      - last: {set: {n: 3}}
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 11
    """
    And never should not run
    And last should not run
    And outer should run first
    And a should run before b

  Scenario: end inside nested tasks ends the workflow with that output
    Given a workflow that does:
    """yaml
    do:
      - loop:
          for: {in: '${ [1, 2, 3] }'}
          do:
            - choose:
                switch:
                  - found: {when: '${ $item == 2 }', then: found}
                  - else: {then: exit}
            - found: {set: {found: '${ $item }'}, then: end}
      - after: {set: {found: none}}
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    found: 2
    """
    And after should not run

  Scenario: A cancelled workflow cancels its open work
    Given a workflow that does:
    """yaml
    do:
      - ask: {call: ask:1.0.0@payer}
    """
    When the workflow is executed
    Then the workflow should be running
    When the workflow is cancelled
    Then the workflow should cancel
    And ask should cancel
    And 1 call should be cancelled

  Scenario: A function takes the arguments of its call
    Given a workflow that does:
    """yaml
    use:
      functions:
        double: {set: {result: '${ .n * 2 }'}}
    do:
      - a: {call: double, with: {n: '${ .start }'}}
    """
    And the workflow input is:
    """yaml
    start: 21
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    result: 42
    """
