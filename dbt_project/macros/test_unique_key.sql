{#-
Every row has its whole key, and no two rows share it. With `date_column` and `days` (the name of a macro of window.sql)
only the partitions of the run are read; `reach` where they look back over so many days.
-#}
{% test unique_key(model, columns, date_column=none, days=none, reach=0) %}
    {%- set lists = {
        'rebuild_days': rebuild_days(), 'balance_days': balance_days(), 'finding_days': finding_days(),
        'rpc_days': rpc_days(), 'gap_days': gap_days(), 'looking_back_days': looking_back_days(reach),
    } %}
    select
        {{ columns | join(', ') }},
        count(*) as copies
    from {{ model }}
    {% if date_column %}where {{ on_days(date_column, lists[days]) }}{% endif %}
    group by {{ columns | join(', ') }}
    having count(*) > 1
    {%- for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}
