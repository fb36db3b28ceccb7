"""The API's messages: requests, resources, statuses and their JSON form, without state, time or transport."""
