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
