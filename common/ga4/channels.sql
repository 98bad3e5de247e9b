CASE
    WHEN {{ source }} = '(direct)' AND {{ medium }} IN ('(none)', '(not set)', '') THEN 'Direct'
    WHEN STRPOS({{ campaign }}, 'cross-network') > 0 THEN 'Cross-network'
    WHEN REGEXP_CONTAINS({{ medium }}, r'^(.*cp.*|ppc|retargeting|paid.*)$') THEN
      CASE
        WHEN {{ source }} IN UNNEST({{ shopping }}) OR REGEXP_CONTAINS({{ campaign }}, r'^(.*(([^a-df-z]|^)shop|shopping).*)$') THEN 'Paid Shopping'
        WHEN {{ source }} IN UNNEST({{ search }}) THEN 'Paid Search'
        WHEN {{ source }} IN UNNEST({{ social }}) THEN 'Paid Social'
        WHEN {{ source }} IN UNNEST({{ video }}) THEN 'Paid Video'
        -- Google looks for display before it gives up: cpm is a display medium
        WHEN {{ medium }} = 'cpm' THEN 'Display'
        ELSE 'Paid Other'
      END
    WHEN {{ medium }} IN ('display', 'banner', 'expandable', 'interstitial', 'cpm') THEN 'Display'
    WHEN {{ medium }} = 'ai-assistant' OR {{ campaign }} = '(ai-assistant)' THEN 'AI Assistant'
    WHEN {{ source }} IN UNNEST({{ shopping }}) OR REGEXP_CONTAINS({{ campaign }}, r'^(.*(([^a-df-z]|^)shop|shopping).*)$') THEN 'Organic Shopping'
    WHEN
      {{ source }} IN UNNEST({{ social }})
      OR {{ medium }} IN ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media')
      THEN 'Organic Social'
    WHEN {{ source }} IN UNNEST({{ video }}) OR STRPOS({{ medium }}, 'video') > 0 THEN 'Organic Video'
    WHEN {{ source }} IN UNNEST({{ search }}) OR {{ medium }} = 'organic' THEN 'Organic Search'
    WHEN {{ medium }} IN ('referral', 'app', 'link') THEN 'Referral'
    WHEN REGEXP_CONTAINS({{ source }}, r'e[-_ ]?mail') OR REGEXP_CONTAINS({{ medium }}, r'e[-_ ]?mail') THEN 'Email'
    WHEN {{ medium }} = 'affiliate' THEN 'Affiliates'
    WHEN {{ medium }} = 'audio' THEN 'Audio'
    WHEN {{ source }} = 'sms' OR {{ medium }} = 'sms' THEN 'SMS'
    WHEN ENDS_WITH({{ medium }}, 'push') OR REGEXP_CONTAINS({{ medium }}, r'mobile|notification') OR {{ source }} = 'firebase' THEN 'Mobile Push Notifications'
    ELSE 'Unassigned'
  END
