-- What people decided of findings. One row per decision.
{%- set columns = {
    'decision_id': 'string',
    'finding_id': 'string',
    'decision': 'string',
    'reason_code': 'string',
    'note': 'string',
    'decided_by': 'string',
    'amount': 'numeric',
    'decided_at': 'timestamp',
} %}
select
    decision_id,
    finding_id,
    decision,
    reason_code,
    note,
    decided_by,
    amount,
    decided_at
from {{ audit_table('reconciliation_decisions', columns) }}
