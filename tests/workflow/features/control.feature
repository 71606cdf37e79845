Feature: Extensions, foreach and compensation

  Scenario: An extension takes the place of a call, which is never sent
    Given a workflow that does:
    """yaml
    use:
      extensions:
        - mock:
            extend: call
            when: '${ $task.reference == "/do/0/ask" }'
            before:
              - answer: {set: {mocked: true}, then: exit}
    do:
      - ask: {call: http, with: {method: get, endpoint: https://example.org/a}}
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    mocked: true
    """
    And there should be 0 calls to request

  Scenario: What foreach does follows the order of the events
    Given a workflow that does:
    """yaml
    do:
      - chat:
          timeout: {after: PT1H}
          listen: {to: {any: [{with: {type: said.v1}}], until: {one: {with: {type: closed.v1}}}}}
          foreach:
            item: message
            do:
              - post: {call: post:1.0.0@chat, with: {text: '${ $message.text }'}}
    """
    When the workflow is executed
    And the event is received:
    """yaml
    {type: said.v1, data: {text: one}}
    """
    And the event is received:
    """yaml
    {type: said.v1, data: {text: two}}
    """
    Then there should be 1 call to post
    When the action post answers:
    """yaml
    1
    """
    Then the call 2 to post should have arguments:
    """yaml
    text: two
    """
    When the action post answers:
    """yaml
    2
    """
    And the event is received:
    """yaml
    type: closed.v1
    """
    Then the workflow should complete with output:
    """yaml
    [1, 2]
    """

  Scenario: What was done is undone, the last first, before the workflow faults
    Given a workflow that does:
    """yaml
    do:
      - room: {call: create:1.0.0@video, metadata: {rabt: {compensate: {call: end:1.0.0@video, with: {id: '${ .id }'}}}}}
      - seat: {call: reserve:1.0.0@desk, metadata: {rabt: {compensate: {call: free:1.0.0@desk}}}}
      - bill: {call: bill:1.0.0@payer}
    """
    When the workflow is executed
    And the action create answers:
    """yaml
    id: r1
    """
    And the action reserve answers:
    """yaml
    {}
    """
    And the action bill fails with:
    """yaml
    {outcome: permanent, code: payer.refused}
    """
    Then there should be 1 call to free
    And there should be 0 calls to end
    When the action free answers:
    """yaml
    {}
    """
    Then the call 1 to end should have arguments:
    """yaml
    id: r1
    """
    When the action end answers:
    """yaml
    {}
    """
    Then the workflow should fault with error:
    """yaml
    {title: payer.refused, instance: /do/2/bill}
    """

  Scenario: The loser of a race is undone
    Given a workflow that does:
    """yaml
    do:
      - race:
          fork:
            compete: true
            branches:
              - left:
                  do:
                    - book: {call: book:1.0.0@desk, metadata: {rabt: {compensate: {call: free:1.0.0@desk}}}}
                    - confirm: {call: confirm:1.0.0@desk}
              - right: {call: other:1.0.0@desk}
    """
    When the workflow is executed
    And the action book answers:
    """yaml
    {}
    """
    And the action other answers:
    """yaml
    right
    """
    Then there should be 1 call to free
    And confirm should cancel
    When the action free answers:
    """yaml
    {}
    """
    Then the workflow should complete with output:
    """yaml
    right
    """

  Scenario Outline: run.workflow gives the output of the child: return <return>
    Given a workflow that does:
    """yaml
    do:
      - book:
          run:
            workflow: {namespace: clinic, name: booking, version: '2.0.0', input: {slot: '${ .slot }'}}
            return: <return>
    """
    And the workflow input is:
    """yaml
    slot: 9
    """
    When the workflow is executed
    Then the child booking should be started with:
    """yaml
    {namespace: clinic, version: 2.0.0, input: {slot: 9}, await: true}
    """
    And the workflow should be running
    When the child booking completes with output:
    """yaml
    id: 7
    """
    Then the workflow should complete with output:
    """yaml
    <output>
    """

    Examples:
      | return | output                                  |
      | stdout | {id: 7}                                 |
      | code   | 0                                       |
      | all    | {code: 0, stdout: {id: 7}, stderr: null} |
      | none   | null                                    |

  Scenario: A child without version and input is the latest, with an empty input
    Given a workflow that does:
    """yaml
    do:
      - book: {run: {workflow: {namespace: clinic, name: booking}}}
    """
    When the workflow is executed
    Then the child booking should be started with:
    """yaml
    {version: latest, input: {}}
    """

  Scenario: Without await the workflow goes on at once with its input
    Given a workflow that does:
    """yaml
    do:
      - tell: {run: {workflow: {namespace: clinic, name: reminder}, await: false}}
      - last: {set: {went: '${ .on }'}}
    """
    And the workflow input is:
    """yaml
    on: 1
    """
    When the workflow is executed
    Then the child reminder should be started with:
    """yaml
    await: false
    """
    And the workflow should complete with output:
    """yaml
    went: 1
    """

  Scenario: The error of a child is raised in the parent, at the task of the parent
    Given a workflow that does:
    """yaml
    do:
      - careful:
          try:
            - book: {run: {workflow: {namespace: clinic, name: booking}}}
          catch:
            errors: {with: {status: 409, instance: /do/0/careful/try/0/book}}
            do:
              - report: {set: '${ $error }'}
    """
    When the workflow is executed
    And the child booking faults with error:
    """yaml
    {type: https://example.org/taken, status: 409, title: taken, instance: /do/4/reserve}
    """
    Then the workflow should complete with output:
    """yaml
    {type: https://example.org/taken, status: 409, title: taken, instance: /do/0/careful/try/0/book}
    """

  Scenario: A failed child is run again by a retry
    Given a workflow that does:
    """yaml
    do:
      - careful:
          try:
            - book: {run: {workflow: {namespace: clinic, name: booking}}}
          catch:
            retry: {delay: PT1M, limit: {attempt: {count: 1}}}
    """
    When the workflow is executed
    And the child booking faults with error:
    """yaml
    {type: https://example.org/busy, status: 503}
    """
    And the time passes PT1M
    And the child booking completes with output:
    """yaml
    id: 8
    """
    Then the workflow should complete with output:
    """yaml
    id: 8
    """

  Scenario: A child that was cancelled is an error
    Given a workflow that does:
    """yaml
    do:
      - book: {run: {workflow: {namespace: clinic, name: booking}}}
    """
    When the workflow is executed
    And the child booking is cancelled
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/runtime
    status: 409
    instance: /do/0/book
    """

  Scenario: A task that takes too long cancels its child
    Given a workflow that does:
    """yaml
    do:
      - book:
          timeout: {after: PT5M}
          run: {workflow: {namespace: clinic, name: booking}}
    """
    When the workflow is executed
    And the time passes PT5M
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout
    status: 408
    """
    And 1 child should be cancelled

  Scenario: A workflow has no standard error to return
    Given a workflow that does:
    """yaml
    do:
      - book: {run: {workflow: {namespace: clinic, name: booking}, return: stderr}}
    """
    Then the workflow should be refused with workflow.value
